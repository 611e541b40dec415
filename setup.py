# SPDX-License-Identifier: Apache-2.0
"""Hands the build over to pbr, which reads setup.cfg and takes the version from git."""

import os
import pathlib
import subprocess

import setuptools

#: The version of a tree that cannot tell its own: an unpacked archive, or a clone that git may not read.
FALLBACK_VERSION = '0.0.0'


def _knows_its_version() -> bool:
    """Tell whether pbr will find a version: that of a source distribution, or that of a git history."""
    here = pathlib.Path(__file__).resolve().parent
    if (here / 'PKG-INFO').exists():
        return True
    if not (here / '.git').exists():
        return False
    try:
        found = subprocess.run(['git', 'rev-parse', '--verify', 'HEAD'], cwd=here, capture_output=True, check=False)  # noqa: S607
    except OSError:
        return False
    return found.returncode == 0


if not _knows_its_version():
    os.environ.setdefault('PBR_VERSION', FALLBACK_VERSION)

setuptools.setup(pbr=True)
