# SPDX-License-Identifier: Apache-2.0
"""Beginnings of disks of various formats, sound and not."""

from __future__ import annotations

import random
import struct

RANDOM = random.Random(5).randbytes(4096)


def qcow2(version=3, size=5 << 20, backing=0, features=0):
    header = struct.pack('>4sIQIIQ', b'QFI\xfb', version, backing, 0, 16, size)
    return (header + bytes(0x48 - len(header)) + struct.pack('>Q', features)).ljust(65536, b'\0')


def mbr(types=(0x83,), flag=0x80):
    sector = bytearray(512)
    for index, kind in enumerate(types):
        sector[446 + 16 * index] = flag
        sector[446 + 16 * index + 4] = kind
    sector[510:] = b'\x55\xaa'
    return bytes(sector) + bytes(40_000)


def iso(front=b''):
    disk = bytearray(front[:512].ljust(40_960, b'\0'))
    disk[32_768:32_774] = b'\1CD001'
    disk[32_768 + 80 : 32_768 + 84] = struct.pack('<L', 20)
    disk[32_768 + 128 : 32_768 + 130] = struct.pack('<H', 2048)
    return bytes(disk)


def vdi(size=7 << 20):
    disk = bytearray(4096)
    disk[0x40:0x44] = struct.pack('<I', 0xBEDA107F)
    disk[0x170:0x178] = struct.pack('<Q', size)
    return bytes(disk)


def vmdk(extent='RW 2048 SPARSE "disk.vmdk"', kind='monolithicSparse', capacity=2048, length=20, more=''):
    """Return a sparse disk.

    :param length: sectors of the descriptor, as the header tells
    """
    header = struct.pack('<4sIIQQQQIQQ', b'KDMV', 1, 3, capacity, 128, 1, length, 512, 21, 26)
    text = f'# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="{kind}"\n{extent}\nddb.x = "y"\n{more}'
    return header.ljust(512, b'\0') + text.encode().ljust(20 * 512, b'\0') + bytes(100_000)


def vmdk_stream(footer_sector=1):
    """Return a streamOptimized disk, whose footer names the sector of a descriptor."""
    disk = bytearray(vmdk(kind='streamOptimized'))
    disk[56:64] = b'\xff' * 8
    marker = struct.pack('<QII', 1, 0, 3).ljust(512, b'\0')
    footer = struct.pack('<4sIIQQQQIQQ', b'KDMV', 1, 3, 2048, 128, footer_sector, 20, 512, 21, 26).ljust(512, b'\0')
    return bytes(disk) + marker + footer + bytes(512)


def vmdk_text(extent='RW 1 FLAT "/a" 0', first='', kind='monolithicFlat'):
    return f'{first}version=1\ncreateType="{kind}"\n{extent}'.encode()


def luks(version=1):
    return b'LUKS\xba\xbe' + struct.pack('>H', version) + bytes(4000)
