#!/usr/bin/env python3
"""The identity, catalogue and quota commands of the `openstack` client, as an administrator and a user type them.

Started by `make clients` inside tests/with-baryon; arguments are parts of test names.
"""
import os
import sys

from client import Openstack, names, run_tests, unique

AUTH_URL = os.environ['BARYON_AUTH_URL']

admin = Openstack()
demo = Openstack(cloud='baryon-demo')


def login(user, password, *scope):
    """A session by password, beside clouds.yaml."""
    return Openstack(
        '--os-auth-url', AUTH_URL, '--os-username', user, '--os-password', password,
        '--os-user-domain-name', 'Default', *scope, cloud='',
        env={'OS_CLIENT_CONFIG_FILE': '/dev/null'})


def in_project(project):
    return ('--os-project-name', project, '--os-project-domain-name', 'Default')


class Fixture:
    """A project with a user who is a member of it; both go afterwards."""

    def __init__(self, role='member'):
        self.project, self.user, self.password = unique('project'), unique('user'), unique('secret')
        self.role = role

    def __enter__(self):
        self.project_id = admin.json('project', 'create', self.project)['id']
        self.user_id = admin.json('user', 'create', self.user, '--password', self.password)['id']
        admin.run('role', 'add', self.role, '--user', self.user, '--project', self.project)
        return self

    def __exit__(self, *_):
        admin.run('user', 'delete', self.user_id)
        admin.run('project', 'delete', self.project_id)

    def session(self):
        return login(self.user, self.password, *in_project(self.project))


def test_domain():
    name = unique('domain')
    made = admin.json('domain', 'create', name, '--description', 'Prüfung')
    assert (made['name'], made['description'], made['enabled']) == (name, 'Prüfung', True), made
    assert name in names(admin.json('domain', 'list'))
    admin.refused('domain', 'delete', name, says='Cannot delete a domain that is enabled')
    admin.run('domain', 'set', name, '--disable', '--name', name + '-2')
    assert admin.json('domain', 'show', name + '-2')['enabled'] is False
    admin.run('domain', 'delete', name + '-2')
    assert name + '-2' not in names(admin.json('domain', 'list'))


def test_project():
    name = unique('project')
    made = admin.json('project', 'create', name, '--description', 'd', '--tag', 'one', '--property', 'color=red')
    assert made['tags'] == ['one'] and made['color'] == 'red', made
    admin.run('project', 'set', name, '--tag', 'two', '--description', 'other')
    shown = admin.json('project', 'show', name)
    assert sorted(shown['tags']) == ['one', 'two'] and shown['description'] == 'other', shown
    assert name in names(admin.json('project', 'list', '--tags', 'one,two'))
    assert name not in names(admin.json('project', 'list', '--not-tags', 'one'))
    child = admin.json('project', 'create', name + '-child', '--parent', name)
    assert child['parent_id'] == made['id'], child
    assert name + '-child' in names(admin.json('project', 'list', '--parent', name))
    tree = admin.json('project', 'show', name, '--children')
    assert child['id'] in str(tree['subtree']), tree
    admin.refused('project', 'delete', name, says='Cannot delete the project')
    admin.refused('project', 'create', name, says='Conflict occurred attempting to store project')
    admin.run('project', 'delete', name + '-child', name)
    demo.refused('project', 'create', name, says='You are not authorized to perform the requested action')


def test_user():
    with Fixture() as it:
        session = it.session()
        assert session.json('token', 'issue')['user_id'] == it.user_id
        shown = admin.json('user', 'show', it.user)
        assert (shown['name'], shown['enabled']) == (it.user, True), shown
        assert it.user in names(admin.json('user', 'list'))
        assert it.user in names(admin.json('user', 'list', '--project', it.project))
        admin.run('user', 'set', it.user, '--email', 'a@example.org', '--description', 'ä')
        assert admin.json('user', 'show', it.user)['email'] == 'a@example.org'
        new = unique('secret')
        session.run('user', 'password', 'set', '--original-password', it.password, '--password', new)
        it.session().refused('token', 'issue', says='requires authentication')
        it.password = new
        it.session().json('token', 'issue')
        admin.run('user', 'set', it.user, '--disable')
        it.session().refused('token', 'issue', says='requires authentication')
        admin.run('user', 'set', it.user, '--enable')
        it.session().json('token', 'issue')
        admin.refused('user', 'create', it.user, says='Duplicate entry found with name')


def test_a_user_is_locked_after_wrong_passwords():
    with Fixture() as it:
        right = it.password
        for _ in range(5):
            it.password = 'wrong'
            it.session().refused('token', 'issue', says='requires authentication')
        it.password = right
        it.session().refused('token', 'issue', says='requires authentication')


def test_group():
    name = unique('group')
    with Fixture() as it:
        made = admin.json('group', 'create', name, '--description', 'd')
        assert made['name'] == name, made
        admin.run('group', 'add', 'user', name, it.user)
        admin.run('group', 'contains', 'user', name, it.user)
        assert it.user in names(admin.json('user', 'list', '--group', name))
        assert name in names(admin.json('group', 'list', '--user', it.user))
        project = unique('project')
        admin.run('project', 'create', project)
        admin.run('role', 'add', 'reader', '--group', name, '--project', project)
        session = login(it.user, it.password, *in_project(project))
        session.json('network', 'list')
        session.refused('network', 'create', 'n', says='disallowed by policy')
        admin.run('group', 'remove', 'user', name, it.user)
        session.refused('token', 'issue', says='requires authentication')
        admin.run('group', 'set', name, '--name', name + '-2')
        admin.run('group', 'delete', name + '-2')
        admin.run('project', 'delete', project)


def test_role():
    name = unique('role')
    made = admin.json('role', 'create', name)
    assert made['name'] == name, made
    assert {'admin', 'manager', 'member', 'reader', 'service', name} <= set(names(admin.json('role', 'list')))
    admin.run('implied', 'role', 'create', name, '--implied-role', 'reader')
    rules = admin.json('implied', 'role', 'list')
    assert any(row['Prior Role Name'] == name and row['Implied Role Name'] == 'reader' for row in rules), rules
    admin.run('implied', 'role', 'delete', name, '--implied-role', 'reader')
    admin.run('role', 'set', name, '--name', name + '-2')
    admin.run('role', 'delete', name + '-2')
    domain = unique('domain')
    admin.run('domain', 'create', domain)
    admin.run('role', 'create', name, '--domain', domain)
    assert names(admin.json('role', 'list', '--domain', domain)) == [name]
    admin.run('domain', 'set', domain, '--disable')
    admin.run('domain', 'delete', domain)
    admin.refused('role', 'delete', 'admin', says='immutable')


def test_role_assignment():
    with Fixture() as it:
        def assigned(*arguments):
            return [(row['Role'], row['User'], row['Project'], row['Domain'], row['System'], row['Inherited'])
                    for row in admin.json('role', 'assignment', 'list', '--names', *arguments)]
        user, project = it.user + '@Default', it.project + '@Default'
        assert assigned('--user', it.user) == [('member', user, project, '', '', False)]
        assert ('reader', user, project, '', '', False) in assigned('--user', it.user, '--effective')
        admin.run('role', 'add', 'reader', '--user', it.user, '--system', 'all')
        admin.run('role', 'add', 'reader', '--user', it.user, '--domain', 'default')
        admin.run('role', 'add', 'reader', '--user', it.user, '--domain', 'default', '--inherited')
        found = assigned('--user', it.user)
        assert ('reader', user, '', '', 'all', False) in found, found
        assert ('reader', user, '', 'Default', '', False) in found, found
        assert ('reader', user, '', 'Default', '', True) in found, found
        # What is inherited from the domain is good in each of its projects.
        login(it.user, it.password, *in_project('demo')).json('network', 'list')
        system = login(it.user, it.password, '--os-system-scope', 'all')
        assert it.user in names(system.json('user', 'list'))
        system.refused('user', 'delete', it.user, says='not authorized')
        admin.run('role', 'remove', 'reader', '--user', it.user, '--domain', 'default', '--inherited')
        login(it.user, it.password, *in_project('demo')).refused('token', 'issue', says='requires authentication')
        admin.run('role', 'remove', 'reader', '--user', it.user, '--system', 'all')
        admin.run('role', 'remove', 'reader', '--user', it.user, '--domain', 'default')


def test_application_credential():
    with Fixture() as it:
        session = it.session()
        name = unique('credential')
        made = session.json('application', 'credential', 'create', name, '--role', 'reader',
                            '--expiration', '2099-01-01T00:00:00')
        assert made['Name'] == name and made['Secret'] and made['Project ID'] == it.project_id, made
        by_credential = Openstack(
            '--os-auth-type', 'v3applicationcredential', '--os-auth-url', AUTH_URL,
            '--os-application-credential-id', made['ID'], '--os-application-credential-secret', made['Secret'],
            cloud='', env={'OS_CLIENT_CONFIG_FILE': '/dev/null'})
        by_credential.json('network', 'list')
        by_credential.refused('network', 'create', 'n', says='disallowed by policy')
        by_credential.refused('application', 'credential', 'create', 'other', says='not authorized')
        listed = session.json('application', 'credential', 'list')
        assert names(listed) == [name] and made['Secret'] not in str(listed), listed
        assert made['Secret'] not in str(session.json('application', 'credential', 'show', name))
        session.run('application', 'credential', 'delete', name)
        by_credential.refused('network', 'list', says='Could not find Application Credential')


def test_application_credential_with_access_rules():
    with Fixture() as it:
        session = it.session()
        rules = '[{"service": "network", "method": "GET", "path": "/v2.0/networks"}]'
        made = session.json('application', 'credential', 'create', unique('credential'), '--access-rules', rules)
        narrow = Openstack(
            '--os-auth-type', 'v3applicationcredential', '--os-auth-url', AUTH_URL,
            '--os-application-credential-id', made['ID'], '--os-application-credential-secret', made['Secret'],
            cloud='', env={'OS_CLIENT_CONFIG_FILE': '/dev/null'})
        narrow.json('network', 'list')
        narrow.refused('router', 'list', says='401')
        rule = session.json('access', 'rule', 'list')[0]
        assert (rule['Service'], rule['Method'], rule['Path']) == ('network', 'GET', '/v2.0/networks'), rule
        session.refused('access', 'rule', 'delete', rule['ID'], says='in use')
        session.run('application', 'credential', 'delete', made['ID'])
        session.run('access', 'rule', 'delete', rule['ID'])


def test_token():
    token = demo.json('token', 'issue')
    assert token['project_id'] == demo.json('project', 'list', '--my-projects')[0]['ID'], token
    by_token = Openstack(
        '--os-auth-type', 'token', '--os-auth-url', AUTH_URL, '--os-token', token['id'],
        *in_project('demo'), cloud='', env={'OS_CLIENT_CONFIG_FILE': '/dev/null'})
    by_token.json('network', 'list')
    demo.run('token', 'revoke', token['id'])
    by_token.refused('network', 'list', says='Could not find token')


def test_catalog():
    listed = demo.json('catalog', 'list')
    kinds = {row['Type']: row for row in listed}
    assert {'identity', 'network'} <= set(kinds), listed
    shown = demo.json('catalog', 'show', 'network')
    assert shown['name'] == 'neutron', shown
    assert demo.json('versions', 'show', '--service', 'network'), 'no version of the network service'


def test_region():
    name = unique('region')
    admin.run('region', 'create', name, '--description', 'd')
    admin.run('region', 'create', name + '-child', '--parent-region', name)
    assert {name, name + '-child'} <= set(names(admin.json('region', 'list'), 'Region'))
    admin.run('region', 'set', name, '--description', 'other')
    assert admin.json('region', 'show', name)['description'] == 'other'
    admin.run('region', 'delete', name + '-child')
    admin.run('region', 'delete', name)
    demo.refused('region', 'create', name, says='not authorized')


def test_service_and_endpoint():
    name, region = unique('service'), unique('region')
    admin.run('region', 'create', region)
    service = admin.json('service', 'create', 'object-store', '--name', name, '--description', 'd')
    assert (service['name'], service['type'], service['enabled']) == (name, 'object-store', True), service
    made = admin.json('endpoint', 'create', name, 'public', 'http://swift.example/v1/AUTH_%(project_id)s', '--region', region)
    shown = admin.json('endpoint', 'show', made['id'])
    assert shown['url'] == 'http://swift.example/v1/AUTH_%(project_id)s' and shown['region'] == region, shown
    project = demo.json('token', 'issue')['project_id']
    assert 'http://swift.example/v1/AUTH_' + project in str(demo.json('catalog', 'show', 'object-store'))
    admin.run('endpoint', 'set', made['id'], '--disable')
    assert 'swift.example' not in str(demo.json('catalog', 'list'))
    assert made['id'] in names(admin.json('endpoint', 'list', '--service', name), 'ID')
    admin.refused('region', 'delete', region, says='Unable to delete region')
    admin.run('endpoint', 'delete', made['id'])
    admin.run('service', 'set', service['id'], '--name', name + '-2')
    admin.run('service', 'delete', name + '-2')
    admin.run('region', 'delete', region)


def test_trust():
    with Fixture() as trustor, Fixture() as trustee:
        giving = trustor.session()
        # A member may not list the roles, so the client cannot look up their names.
        member = admin.json('role', 'show', 'member')['id']
        made = giving.json('trust', 'create', '--project', trustor.project_id, '--role', member, '--impersonate',
                           trustor.user_id, trustee.user_id)
        assert made['is_impersonation'] is True and made['trustee_user_id'] == trustee.user_id, made
        assert made['id'] in names(giving.json('trust', 'list', '--trustor', trustor.user_id), 'ID')
        assert giving.json('trust', 'show', made['id'])['project_id'] == trustor.project_id
        acting = login(trustee.user, trustee.password, '--os-trust-id', made['id'])
        token = acting.json('token', 'issue')
        assert (token['user_id'], token['project_id']) == (trustor.user_id, trustor.project_id), token
        acting.json('network', 'list')
        giving.run('trust', 'delete', made['id'])
        acting.refused('token', 'issue', says='')


def test_credentials():
    import base64
    with Fixture() as it:
        session = it.session()
        made = session.json('ec2', 'credentials', 'create')
        assert made['access'] and made['secret'] and made['user_id'] == it.user_id, made
        assert made['access'] in names(session.json('ec2', 'credentials', 'list'), 'Access')
        session.run('ec2', 'credentials', 'delete', made['access'])
        blob = base64.b64encode(b'secret').decode()
        kept = admin.json('credential', 'create', '--type', 'cert', it.user, blob)
        assert admin.json('credential', 'show', kept['id'])['blob'] == blob
        admin.run('credential', 'delete', kept['id'])


def test_limits():
    # Absolute limits are those of compute and volumes; a cloud without them has none to show.
    assert {row['Value'] for row in demo.json('limits', 'show', '--absolute')} == {None}
    service = admin.json('service', 'create', 'object-store', '--name', unique('service'))
    made = admin.json('registered', 'limit', 'create', '--service', service['id'], '--default-limit', '10', 'containers')
    assert made['default_limit'] == 10, made
    with Fixture() as it:
        limit = admin.json('limit', 'create', '--service', service['id'], '--project', it.project,
                           '--resource-limit', '5', 'containers')
        assert limit['resource_limit'] == 5, limit
        admin.run('limit', 'set', limit['id'], '--resource-limit', '6')
        assert admin.json('limit', 'show', limit['id'])['resource_limit'] == 6
        admin.run('limit', 'delete', limit['id'])
    admin.run('registered', 'limit', 'delete', made['id'])
    admin.run('service', 'delete', service['id'])


def test_quota():
    with Fixture() as it:
        session = it.session()
        shown = {row['Resource']: row['Limit'] for row in session.json('quota', 'show', '--network')}
        assert shown['networks'] == 1024 and shown['floating_ips'] == 50, shown
        admin.run('quota', 'set', '--networks', '2', it.project)
        session.run('network', 'create', 'one')
        session.run('network', 'create', 'two')
        session.refused('network', 'create', 'three', says="Quota exceeded for resources: ['network']")
        usage = {row['Resource']: row for row in session.json('quota', 'show', '--network', '--usage')}
        assert (usage['networks']['Limit'], usage['networks']['In Use']) == (2, 2), usage['networks']
        admin.refused('quota', 'set', '--networks', '1', '--no-force', it.project, says='Quota limit')
        admin.run('quota', 'delete', '--network', it.project)
        session.run('network', 'delete', 'one', 'two')
        session.refused('quota', 'set', '--networks', '5', it.project, says='')


if __name__ == '__main__':
    sys.exit(run_tests(sys.modules[__name__], sys.argv[1:]))
