"""The `openstack` command, run many times in one process: its start costs more than most of its work.

Every call is the real program from its argument vector to what it prints; nothing of it is replaced.
"""
import contextlib
import io
import json
import logging
import os
import uuid

from openstackclient import shell
from openstackclient.common import clientmanager
from osc_lib.clientmanager import ClientCache


class Refused(AssertionError):
    """The command ended with another status than 0; the text is what it said."""


def forget_clients():
    """A process of its own would start without the service clients, and so the logins, of the call before."""
    for kind in clientmanager.ClientManager.__mro__:
        for value in vars(kind).values():
            if isinstance(value, ClientCache):
                value._handle = None


class Openstack:
    """One identity: a cloud of clouds.yaml, with further global options on top."""

    def __init__(self, *options, cloud='baryon-admin', env=None):
        self.options = list(options)
        self.cloud = cloud
        self.env = env or {}

    def run(self, *arguments):
        """What a command prints; Refused when it fails."""
        out = io.StringIO()
        cloud = ['--os-cloud', self.cloud] if self.cloud else []
        argv = [*cloud, *self.options, *arguments]
        forget_clients()
        before = dict(os.environ)
        os.environ.update(self.env)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                try:
                    status = shell.OpenStackShell().run(argv)
                except SystemExit as end:  # wrong usage
                    status = end.code
        finally:
            os.environ.clear()
            os.environ.update(before)
            # Each shell adds handlers that write to the stream it was started with.
            root = logging.getLogger('')
            for handler in list(root.handlers):
                root.removeHandler(handler)
        if status:
            raise Refused('openstack %s: %s' % (' '.join(arguments), out.getvalue().strip()))
        return out.getvalue()

    def json(self, *arguments):
        """The object or list that a command prints."""
        printed = self.run(*arguments, '-f', 'json')
        try:
            return json.loads(printed[min(i for i in (printed.find('{'), printed.find('[')) if i >= 0):])
        except ValueError as error:
            raise AssertionError('openstack %s printed no JSON: %s' % (' '.join(arguments), printed)) from error

    def refused(self, *arguments, says):
        """The command fails and its words contain `says`."""
        try:
            printed = self.run(*arguments)
        except Refused as error:
            assert says in str(error), 'expected %r in: %s' % (says, error)
            return
        raise AssertionError('openstack %s succeeded: %s' % (' '.join(arguments), printed))


def unique(prefix):
    """A name that no other test uses."""
    return '%s-%s' % (prefix, uuid.uuid4().hex[:8])


def names(rows, key='Name'):
    """One column of a list."""
    return [row[key] for row in rows]


def run_tests(module, only):
    """Runs the functions `test_*` of a module; the closing line counts them."""
    import time
    import traceback
    passed = failed = 0
    for name, test in sorted(vars(module).items()):
        if not name.startswith('test_') or (only and not any(word in name for word in only)):
            continue
        begin = time.monotonic()
        try:
            test()
            passed += 1
            print('ok %s (%.1f s)' % (name[5:], time.monotonic() - begin), flush=True)
        except Exception:
            failed += 1
            print('not ok %s\n%s' % (name[5:], traceback.format_exc()), flush=True)
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed or not passed else 0
