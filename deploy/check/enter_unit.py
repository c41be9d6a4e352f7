#!/usr/bin/env python3
"""Becomes a process as a unit of deploy/systemd would: `enter_unit.py FILE COMMAND…`, in a namespace of its own for mounts. The file
is JSON: `uid`, `allowed` system calls, `families` of addresses, `root` of the machine that is meant. What is not let through answers EPERM, as SystemCallErrorNumber says;
so does memory that can be written and executed. The file system is read-only, and /proc shows processes alone."""

import ctypes
import json
import os
import subprocess
import sys

import pyseccomp

settings, *command = json.load(open(sys.argv[1])), *sys.argv[2:]
uid = settings["uid"]


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


mount("--make-rprivate", "/")
mount("-t", "proc", "-o", "subset=pid,hidepid=invisible", "proc", "/proc")
mount("--bind", settings.get("root", "/"), "/mnt")
mount("-o", "remount,bind,ro", "/mnt")
for place in ("proc", "dev", "sys"):
    mount("--rbind", f"/{place}", f"/mnt/{place}")
os.chroot("/mnt")
os.chdir("/")
os.umask(0o077)

# Before the user changes, since without the right to it this would ask for no_new_privs first, which comes next.
libc = ctypes.CDLL(None, use_errno=True)
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
for capability in range(64):
    libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
os.setgroups([])
os.setgid(uid)
os.setuid(uid)
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

allowed = pyseccomp.SyscallFilter(pyseccomp.ERRNO(1))
for name in settings["allowed"]:
    try:
        allowed.add_rule(pyseccomp.ALLOW, name)
    except (OSError, RuntimeError, ValueError):
        # One of another architecture.
        continue
# MemoryDenyWriteExecute, RestrictAddressFamilies.
refused = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
for name, argument, bits in (
    ("mmap", 2, PROT_WRITE | PROT_EXEC), ("mprotect", 2, PROT_EXEC), ("pkey_mprotect", 2, PROT_EXEC), ("shmat", 2, SHM_EXEC),
):
    refused.add_rule(pyseccomp.ERRNO(1), name, pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, bits, bits))
for family in range(64):
    if family not in settings["families"]:
        refused.add_rule(pyseccomp.ERRNO(97), "socket", pyseccomp.Arg(0, pyseccomp.EQ, family))
refused.load()
allowed.load()
os.execve(command[0], command, dict(os.environ))
