# SPDX-License-Identifier: Apache-2.0
"""Confines this process and then becomes another program (P2). Run as a script, by a Python without the service.

The first argument is a JSON object with what :class:`Confinement` says; the others are the program, by absolute path, and
its arguments. It does not go on without resource limits, the change of user, and at least one of Landlock and seccomp,
whichever the kernel offers. A network of its own needs privileges; where these lack, seccomp keeps sockets from being made.
Where it stays the user who it is, seccomp keeps it from the other processes of that user.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import platform
import resource
import struct
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_CLONE_NEWIPC = 0x08000000
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

_OPEN_FILES = 64
_ENVIRONMENT = {'LC_ALL': 'C', 'PATH': '/usr/bin:/bin', 'MALLOC_ARENA_MAX': '2'}
#: Status with which this ends if the program cannot be confined.
FAILED = 125


@dataclasses.dataclass
class Confinement:
    """What a program may do.

    :ivar cpu: seconds of processor time
    :ivar memory: bytes of address space
    :ivar file_size: bytes of the largest file that it may write
    :ivar reads: descriptors that it is given to read, for it to open again under ``/dev/fd``
    :ivar writes: descriptors that it is given to read and write
    :ivar uid: user to become, None to stay who it is
    :ivar gid: group to become with it
    """

    cpu: int
    memory: int
    file_size: int
    reads: list[int]
    writes: list[int]
    uid: int | None = None
    gid: int | None = None


def main() -> None:
    """Confine this process, and become the program; ends with status FAILED if that cannot be done."""
    try:
        confinement = Confinement(**json.loads(sys.argv[1]))
        program, *arguments = sys.argv[2:]
        confine(confinement, program)
        os.execve(program, [program, *arguments], _ENVIRONMENT)  # noqa: S606 - that is what this is for
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write(f'The program cannot be confined: {error}\n')
        sys.stderr.flush()
        os._exit(FAILED)


def confine(confinement: Confinement, program: str) -> None:
    """Take from this process what the program does not need.

    :raises OSError: that is not possible
    """
    os.chdir('/')
    # What this needs is often not allowed; the filter of system calls below does not depend on it.
    _LIBC.unshare(_CLONE_NEWNET | _CLONE_NEWIPC)
    _limit(confinement)
    if confinement.uid is not None and confinement.gid is not None:
        os.setgroups([])
        os.setresgid(confinement.gid, confinement.gid, confinement.gid)
        os.setresuid(confinement.uid, confinement.uid, confinement.uid)
    _check(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    closed = restrict_files(program, confinement.reads, confinement.writes)
    closed = filter_calls() or closed
    if not closed:
        raise OSError('the kernel offers neither Landlock nor seccomp')


def _limit(confinement: Confinement) -> None:
    for name, value in (
        (resource.RLIMIT_AS, confinement.memory),
        (resource.RLIMIT_CPU, confinement.cpu),
        (resource.RLIMIT_FSIZE, confinement.file_size),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (value, value))


# Files: Landlock. Nothing can be opened but the program, its libraries, and the files that it is given.

_LANDLOCK_CREATE = 444
_LANDLOCK_ADD = 445
_LANDLOCK_RESTRICT = 446
_LANDLOCK_VERSION = 1
_EXECUTE, _WRITE, _READ, _LIST = (1 << bit for bit in range(4))
_TRUNCATE = 1 << 14
#: Numbers of file rights, by version.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_MOST_RIGHTS = 16
_TCP = 0b11
_SCOPES = 0b11
_LIBRARIES = ('/usr/lib', '/usr/lib64', '/usr/local/lib', '/lib', '/lib64', '/etc/ld.so.cache', '/etc/ld.so.preload')
_DEVICES = ('/dev/null', '/dev/urandom')


def restrict_files(program: str, reads: list[int], writes: list[int]) -> bool:
    """Close the file system but for what is named, and TCP; False if the kernel does not offer that.

    :raises OSError: it does, but it does not work
    """
    version = landlock_version()
    if version < 1:
        return False
    rights = (1 << _RIGHTS.get(version, _MOST_RIGHTS)) - 1
    rules = struct.pack('=QQQ', rights, _TCP if version > 3 else 0, _SCOPES if version > 5 else 0)
    ruleset = _check(_LIBC.syscall(_LANDLOCK_CREATE, rules, len(rules) if version > 5 else 16 if version > 3 else 8, 0))
    for path in (*_LIBRARIES, *([program] if program else [])):
        _allow_path(ruleset, path, _EXECUTE | _READ | _LIST)
    for path in _DEVICES:
        _allow_path(ruleset, path, _READ | _WRITE)
    for number in reads:
        _allow(ruleset, number, _READ)
    for number in writes:
        _allow(ruleset, number, (_READ | _WRITE | _TRUNCATE) & rights)
    _check(_LIBC.syscall(_LANDLOCK_RESTRICT, ruleset, 0))
    os.close(ruleset)
    return True


def landlock_version() -> int:
    """Return which Landlock the kernel offers, less than 1 if none."""
    return int(_LIBC.syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION))


def _allow_path(ruleset: int, path: str, rights: int) -> None:
    try:
        number = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= ~_LIST
    _allow(ruleset, number, rights)
    os.close(number)


def _allow(ruleset: int, number: int, rights: int) -> None:
    rule = struct.pack('=Qi', rights, number)
    _check(_LIBC.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0))


# System calls: seccomp. No sockets, whatever the network is, no ways around the limits above, and none to other processes.

_LOAD, _JUMP_EQUAL, _JUMP_LESS, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | 13
#: Where in the description of a call its number, its architecture and (the lower half of) its first argument are.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
#: Numbers from here on are those of another set of calls on x86_64.
_X32 = 0x40000000


@dataclasses.dataclass(frozen=True)
class _Calls:
    """Numbers of system calls on one architecture.

    :ivar audit: number of the architecture
    :ivar refused: sockets, and what reaches memory, descriptors, keys and signals of other processes
    :ivar own: calls whose first argument must name this process
    """

    audit: int
    refused: dict[str, int]
    own: dict[str, int]


_EVERYWHERE = {'io_uring_setup': 425, 'pidfd_send_signal': 424, 'pidfd_open': 434, 'pidfd_getfd': 438}
_ARCHITECTURES = {
    'x86_64': _Calls(
        0xC000003E,
        {
            **_EVERYWHERE,
            'socket': 41,
            'kill': 62,
            'ptrace': 101,
            'rt_sigqueueinfo': 129,
            'tkill': 200,
            'add_key': 248,
            'request_key': 249,
            'keyctl': 250,
            'rt_tgsigqueueinfo': 297,
            'process_vm_readv': 310,
            'process_vm_writev': 311,
        },
        {'tgkill': 234, 'prlimit64': 302},
    ),
    'aarch64': _Calls(
        0xC00000B7,
        {
            **_EVERYWHERE,
            'socket': 198,
            'kill': 129,
            'ptrace': 117,
            'rt_sigqueueinfo': 138,
            'tkill': 130,
            'add_key': 217,
            'request_key': 218,
            'keyctl': 219,
            'rt_tgsigqueueinfo': 240,
            'process_vm_readv': 270,
            'process_vm_writev': 271,
        },
        {'tgkill': 131, 'prlimit64': 261},
    ),
}


def filter_calls() -> bool:
    """Refuse the calls above from now on; False where this does not know the architecture, or the kernel has no seccomp."""
    if platform.machine() not in _ARCHITECTURES or sys.maxsize < 1 << 32:
        return False
    calls = _ARCHITECTURES[platform.machine()]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, calls.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_LESS, 0, 1, _X32),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in calls.refused.values():
        program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    for number in calls.own.values():
        program += _for_this_process(number)
    program.append((_RETURN, 0, 0, _ALLOW))
    code = b''.join(struct.pack('=HBBI', *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    head = struct.pack('@HP', len(program), ctypes.addressof(buffer))
    return bool(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, head, 0, 0) == 0)


def _for_this_process(number: int) -> list[tuple[int, int, int, int]]:
    """Return the lines that allow a call only where its first argument is 0 or this process, which stays the same by exec."""
    lines = [
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_EQUAL, 2, 0, 0),
        (_JUMP_EQUAL, 1, 0, os.getpid()),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return [(_JUMP_EQUAL, 0, len(lines), number), *lines]


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


if __name__ == '__main__':
    main()
