# SPDX-License-Identifier: Apache-2.0
"""``glance-cache-manage``: looks after the cache of one node through its API, by the routes of the filter ``cachemanage``.

Exit codes: 0 done or declined, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import prettytable
import requests
from keystoneauth1 import exceptions
from keystoneauth1 import session as keystone
from keystoneauth1.identity import generic

from glance_clone import version

_TIMEOUT = 60
_NOT_ENABLED = 'This server has no cache management: its pipeline needs the filters cache and cachemanage.'


class Failure(Exception):
    """What went wrong, for the operator."""


class Client:
    """The routes of one server.

    :param base: its URL
    :param token: for X-Auth-Token, None for none
    """

    def __init__(self, base: str, token: str | None, insecure: bool):
        self._base = base
        self._session = requests.Session()
        self._session.verify = not insecure
        if token:
            self._session.headers['X-Auth-Token'] = token

    def call(self, method: str, path: str) -> Any:
        """Send a request; return the JSON document of the answer.

        :raises Failure: there is none
        """
        try:
            answer = self._session.request(method, f'{self._base}/v2/{path}', timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise Failure(f'{self._base} cannot be reached: {error}') from None
        if answer.status_code == 404:
            raise Failure(_NOT_ENABLED)
        if answer.status_code in (401, 403):
            raise Failure('You are not allowed to do this; log in as an administrator (OS_* variables or --os-* options).')
        if not answer.ok:
            raise Failure(f'The server answered {answer.status_code} {answer.reason}.')
        return answer.json()


def _list_cached(client: Client, arguments: argparse.Namespace) -> None:
    """List the images that are cached."""
    found = client.call('GET', 'cached_images')['cached_images']
    if not found:
        print('No cached images.')
        return
    table = _table('ID', 'Last Accessed (UTC)', 'Last Modified (UTC)', 'Size', 'Hits')
    for entry in found:
        times = [_time(entry[name]) for name in ('last_accessed', 'last_modified')]
        table.add_row([entry['image_id'], *times, entry['size'], entry['hits']])
    print(f'Found {len(found)} cached images.\n{table}')


def _list_queued(client: Client, arguments: argparse.Namespace) -> None:
    """List the images that are queued to be cached."""
    found = client.call('GET', 'queued_images')['queued_images']
    if not found:
        print('No queued images.')
        return
    table = _table('ID')
    for image_id in found:
        table.add_row([image_id])
    print(f'Found {len(found)} queued images.\n{table}')


def _queue_image(client: Client, arguments: argparse.Namespace) -> None:
    """Queue an image to be cached."""
    _change(client, arguments, 'PUT', 'queued_images', 'Queue image {} for caching?', 'Queued image {}.')


def _delete_cached_image(client: Client, arguments: argparse.Namespace) -> None:
    """Remove an image from the cache."""
    _change(client, arguments, 'DELETE', 'cached_images', 'Delete cached image {}?', 'Deleted cached image {}.')


def _delete_queued_image(client: Client, arguments: argparse.Namespace) -> None:
    """Remove an image from the queue."""
    _change(client, arguments, 'DELETE', 'queued_images', 'Delete queued image {}?', 'Deleted queued image {}.')


def _delete_all_cached_images(client: Client, arguments: argparse.Namespace) -> None:
    """Remove all images from the cache."""
    _clear(client, arguments, 'cached_images', 'cached')


def _delete_all_queued_images(client: Client, arguments: argparse.Namespace) -> None:
    """Remove all images from the queue."""
    _clear(client, arguments, 'queued_images', 'queued')


#: Commands, and how many values each takes.
COMMANDS: Mapping[str, tuple[Callable[[Client, argparse.Namespace], None], int]] = {
    'list-cached': (_list_cached, 0),
    'list-queued': (_list_queued, 0),
    'queue-image': (_queue_image, 1),
    'delete-cached-image': (_delete_cached_image, 1),
    'delete-all-cached-images': (_delete_all_cached_images, 0),
    'delete-queued-image': (_delete_queued_image, 1),
    'delete-all-queued-images': (_delete_all_queued_images, 0),
}


def _change(client: Client, arguments: argparse.Namespace, method: str, path: str, question: str, done: str) -> None:
    image_id = arguments.command[1]
    if _agreed(arguments, question.format(image_id)):
        client.call(method, f'{path}/{image_id}')
        if arguments.verbose:
            print(done.format(image_id))


def _clear(client: Client, arguments: argparse.Namespace, path: str, what: str) -> None:
    if _agreed(arguments, f'Delete all {what} images?'):
        count = client.call('DELETE', path)['num_deleted']
        if arguments.verbose:
            print(f'Deleted {count} {what} images.')


def _agreed(arguments: argparse.Namespace, question: str) -> bool:
    return arguments.force or input(f'{question} [y/N] ').strip().lower() in ('y', 'yes')


def _table(*columns: str) -> prettytable.PrettyTable:
    table = prettytable.PrettyTable(columns)
    table.align = 'l'
    return table


def _time(seconds: float) -> str:
    if not seconds:
        return 'N/A'
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None).isoformat(timespec='seconds')


def _parser() -> argparse.ArgumentParser:
    names = '\n'.join(f'  {name:26}{function.__doc__}' for name, (function, _) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog='glance-cache-manage',
        description=f'Commands:\n  help [command]            Show this, or what a command does.\n{names}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('command', nargs='+', help='a command and its values')
    parser.add_argument('-v', '--verbose', action='store_true', help='say what was done')
    parser.add_argument('-d', '--debug', action='store_true', help='show where an error comes from')
    parser.add_argument('-H', '--host', metavar='ADDRESS', default='0.0.0.0', help='the node, or its URL (for TLS)')  # noqa: S104
    parser.add_argument('-p', '--port', metavar='PORT', type=int, default=9292)
    parser.add_argument('-k', '--insecure', action='store_true', help='do not check the certificate of the server')
    parser.add_argument('-f', '--force', action='store_true', help='do not ask')
    parser.add_argument('-S', '--os_auth_strategy', metavar='STRATEGY', default=_env('OS_AUTH_STRATEGY'))
    parser.add_argument('--version', action='version', version=version.version_string())
    _add_login(parser)
    return parser


def _add_login(parser: argparse.ArgumentParser) -> None:
    logins = (
        (('--os-auth-token', '-A', '--os_auth_token', '--auth_token'), _env('OS_AUTH_TOKEN', 'OS_TOKEN')),
        (('--os-username', '-I', '--os_username'), _env('OS_USERNAME', 'OS_AUTH_USER')),
        (('--os-password', '-K', '--os_password'), _env('OS_PASSWORD', 'OS_AUTH_KEY')),
        (('--os-region-name', '-R', '--os_region_name'), _env('OS_REGION_NAME')),
        (('--os-project-id', '--os_project_id'), _env('OS_PROJECT_ID')),
        (('--os-project-name', '-T', '--os_project_name'), _env('OS_PROJECT_NAME', 'OS_AUTH_PROJECT')),
        (('--os-user-domain-id',), _env('OS_USER_DOMAIN_ID')),
        (('--os-project-domain-id',), _env('OS_PROJECT_DOMAIN_ID')),
        (('--os-domain-id',), _env('OS_DOMAIN_ID') or 'default'),
        (('--os-auth-url', '-N', '--os_auth_url'), _env('OS_AUTH_URL')),
    )
    for names, default in logins:
        parser.add_argument(*names, dest=names[0].lstrip('-').replace('-', '_'), default=default, help=argparse.SUPPRESS)


def _env(*names: str) -> str:
    """Return the first of some variables of the environment that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), '')


def _token(arguments: argparse.Namespace) -> str | None:
    """Return a token to send: one that was given, or a new one from Keystone; None where there is no login.

    :raises Failure: Keystone gives none
    """
    if arguments.os_auth_token or not arguments.os_auth_url or arguments.os_auth_strategy == 'noauth':
        return arguments.os_auth_token or None
    login = generic.Password(
        auth_url=arguments.os_auth_url,
        username=arguments.os_username,
        password=arguments.os_password,
        project_id=arguments.os_project_id or None,
        project_name=arguments.os_project_name or None,
        user_domain_id=arguments.os_user_domain_id or arguments.os_domain_id,
        project_domain_id=arguments.os_project_domain_id or arguments.os_domain_id,
    )
    try:
        return str(keystone.Session(auth=login, verify=not arguments.insecure).get_token())
    except exceptions.ClientException as error:
        raise Failure(f'Keystone gives no token: {error}') from None


def _base_url(arguments: argparse.Namespace) -> str:
    host = arguments.host
    if '://' in host:
        return str(host).rstrip('/')
    return f'http://[{host}]:{arguments.port}' if ':' in host else f'http://{host}:{arguments.port}'


def _require_values(arguments: argparse.Namespace, count: int) -> None:
    name, *values = arguments.command
    if len(values) != count:
        raise Failure(f'{name} takes {"the id of one image" if count else "no values"}.')
    for value in values:
        try:
            uuid.UUID(value)
        except ValueError:
            raise Failure(f'{value} is not the id of an image.') from None


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    name, *values = arguments.command
    if name == 'help':
        _help(parser, values)
        return
    if name not in COMMANDS:
        raise Failure(f'There is no command {name}; the commands are: {", ".join(COMMANDS)}.')
    function, count = COMMANDS[name]
    _require_values(arguments, count)
    function(Client(_base_url(arguments), _token(arguments), arguments.insecure), arguments)


def _help(parser: argparse.ArgumentParser, values: list[str]) -> None:
    if not values:
        parser.print_help()
    elif values[0] in COMMANDS:
        function, count = COMMANDS[values[0]]
        print(f'glance-cache-manage [options] {values[0]}{" <image id>" if count else ""}\n\n{function.__doc__}')
    else:
        raise Failure(f'There is no command {values[0]}; the commands are: {", ".join(COMMANDS)}.')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    print('glance-cache-manage is deprecated and will go; use "openstack cached image".', file=sys.stderr)
    try:
        _run(parser, arguments)
    except (Failure, EOFError) as error:
        if arguments.debug:
            raise
        print(f'ERROR: {error or "no answer"}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
