#!/usr/bin/env python3
"""Becomes a process of an image: `enter_image.py ROOT UID:GID COMMAND…`, called in namespaces of its own for mounts and
processes. Its root is read-only, it has no capabilities, and it can get none."""

import ctypes
import os
import subprocess
import sys

root, user, *command = sys.argv[1:]
uid, gid = (int(number) for number in user.split(":"))


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


mount("--make-rprivate", "/")
mount("--bind", root, root)
for place in ("proc", "dev"):
    os.makedirs(f"{root}/{place}", exist_ok=True)
mount("-t", "proc", "proc", f"{root}/proc")
mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", f"{root}/dev")
for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("random", 1, 8), ("urandom", 1, 9)):
    os.mknod(f"{root}/dev/{name}", 0o20666, os.makedev(major, minor))
    os.chmod(f"{root}/dev/{name}", 0o666)
mount("-o", "remount,bind,ro", root)

os.chroot(root)
os.chdir("/")
os.umask(0o022)
libc = ctypes.CDLL(None, use_errno=True)
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
for capability in range(64):
    libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
os.execve(command[0], command, dict(os.environ))
