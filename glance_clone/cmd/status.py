# SPDX-License-Identifier: Apache-2.0
"""``glance-status``: tells before an upgrade what in the configuration would not work afterwards.

Exit codes: 0 ready, 1 look closer (or the configuration cannot be read), 2 not ready (or wrong usage), 255 a check failed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from oslo_config import cfg
from oslo_upgradecheck import common_checks
from oslo_upgradecheck import upgradecheck

from glance_clone import bootstrap
from glance_clone import conf as options
from glance_clone import version
from glance_clone.conf import stores

_PROG = 'glance-status'
_REMOVED_STORE = 'sheepdog'
_REMOVED_OPTS = [cfg.BoolOpt('owner_is_tenant', default=True)]


class Checks(upgradecheck.UpgradeCommands):
    """What is checked, one method each."""

    def _sheepdog(self) -> upgradecheck.Result:
        """The driver for Sheepdog was removed; images in such a store have to be moved before."""
        enabled = (cfg.CONF.enabled_backends or {}).values()
        if _REMOVED_STORE in (*enabled, *cfg.CONF[stores.GROUP].stores):
            return _failure(
                'The "sheepdog" driver is configured in [DEFAULT] enabled_backends or [glance_store] stores, and there is no '
                'such driver any more. Move its images to another store, then take it out of the configuration.'
            )
        return upgradecheck.Result(upgradecheck.Code.SUCCESS)

    def _policy_file(self) -> upgradecheck.Result:
        """Policy files in JSON are not read any more."""
        return common_checks.check_policy_json(self, cfg.CONF)

    def _owner_is_tenant(self) -> upgradecheck.Result:
        """The owner of an image is a project; that it could be a user was removed."""
        if not cfg.CONF.owner_is_tenant:
            return _failure(
                'The option owner_is_tenant is False, and this release knows only projects as owners of images. Change the '
                'owners of images in the database from users to projects, then remove the option.'
            )
        return upgradecheck.Result(upgradecheck.Code.SUCCESS)

    _upgrade_checks = (
        ('Sheepdog Driver Removal', _sheepdog),
        ('Policy File JSON to YAML Migration', _policy_file),
        ('Config option owner_is_tenant removal', _owner_is_tenant),
    )


def _failure(details: str) -> upgradecheck.Result:
    return upgradecheck.Result(upgradecheck.Code.FAILURE, details)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks; return the exit code."""
    conf = cfg.CONF
    options.register_opts(conf)
    options.set_library_defaults()
    conf.register_opts(_REMOVED_OPTS)
    try:
        _read_configuration(conf, sys.argv[1:] if argv is None else argv)
        return int(upgradecheck.run(conf))
    except cfg.Error as error:
        print(f'ERROR: {error}', file=sys.stderr)
        return 1


def _read_configuration(conf: cfg.ConfigOpts, arguments: Sequence[str]) -> None:
    upgradecheck.register_cli_options(conf, Checks())
    release = version.version_string()
    conf(list(arguments), bootstrap.PROJECT, prog=_PROG, version=release, default_config_files=_config_files())
    # Where the library looks for the format of its output.
    upgradecheck.CONF = conf


def _config_files() -> list[str]:
    """Return the files to read where the command line names none; later ones override earlier ones."""
    programs = (bootstrap.PROJECT, 'glance-api', _PROG)
    found = [path for program in programs for path in cfg.find_config_files(project=bootstrap.PROJECT, prog=program)]
    return list(dict.fromkeys(found))


if __name__ == '__main__':
    sys.exit(main())
