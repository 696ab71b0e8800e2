"""The real Keystone of PyPI for tests: `prepare DIR` makes a database with one administrator, `serve DIR HOST:PORT` serves a copy,
`age DIR TOKEN SECONDS` makes a token older.

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

    # One thread: what a request has looked up, Keystone keeps for the thread, and another thread's change of it is not
    # seen there (a role that was just given was missing now and then).
    waitress.serve(application, listen=listen, threads=1)


def age(directory, token, seconds):
    """Prints the token as if it had been issued so long ago, by the keys that Keystone signs with.

    A token is a Fernet message of MessagePack with one float, the time of its end. The time of its issue is Fernet's own.
    """
    import msgpack
    from cryptography.fernet import Fernet, MultiFernet

    names = sorted(os.listdir(os.path.join(directory, "fernet")), key=int)
    keys = [open(os.path.join(directory, "fernet", name)).read().strip() for name in names]
    padded = token + "=" * (-len(token) % 4)
    fernet = MultiFernet([Fernet(key) for key in keys])
    parts = msgpack.unpackb(fernet.decrypt(padded), strict_map_key=False)
    parts = [part - int(seconds) if isinstance(part, float) else part for part in parts]
    issued = fernet.extract_timestamp(padded) - int(seconds)
    # The newest key is the one that signs.
    print(Fernet(keys[-1]).encrypt_at_time(msgpack.packb(parts), issued).decode().rstrip("="))


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve, "age": age}[sys.argv[1]](*sys.argv[2:])
