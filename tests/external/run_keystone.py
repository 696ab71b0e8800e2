"""The real Keystone of PyPI for tests: `prepare DIR` makes a database with one administrator, `serve DIR HOST:PORT` serves a copy.

The database is made once per virtual environment, since that takes ten seconds; a test copies it in none.
"""

import os
import subprocess
import sys

PASSWORD = "the administrator's"
# Where tests let it listen, in namespaces of their own.
URL = "http://127.0.0.1:5000/v3"

CONFIG = """
[DEFAULT]
log_file = {dir}/keystone.log
[database]
connection = sqlite:///{dir}/keystone.db
[fernet_tokens]
key_repository = {dir}/fernet
[fernet_receipts]
key_repository = {dir}/fernet
[credential]
key_repository = {dir}/fernet
# The slowest part of a login, and not what is tested.
[identity]
password_hash_rounds = 4
# Changes that a test makes are to be seen at once.
[cache]
enabled = false
"""


def configure(directory):
    path = os.path.join(directory, "keystone.conf")
    with open(path, "w") as file:
        file.write(CONFIG.format(dir=directory))
    return path


def prepare(directory):
    os.makedirs(directory, exist_ok=True)
    config = configure(directory)
    manage = os.path.join(os.path.dirname(sys.executable), "keystone-manage")
    owner = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    for command in (
        ["db_sync"],
        ["fernet_setup", *owner],
        ["bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "RegionOne", "--bootstrap-public-url", URL],
    ):
        subprocess.run([manage, "--config-file", config, *command], check=True)


def serve(directory, listen):
    # Keystone reads the command line of whatever it runs in.
    sys.argv[1:] = ["--config-file", configure(directory)]
    from keystone.wsgi.api import application
    import waitress

    waitress.serve(application, listen=listen, threads=8)


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve}[sys.argv[1]](*sys.argv[2:])
