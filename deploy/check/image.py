#!/usr/bin/env python3
"""Builds what deploy/Dockerfile says, and runs it, on a machine that has no container engine.

The file is read, not repeated. In place of the image that a stage begins with stands what it is made of:

- `rust:VERSION-slim-RELEASE`: a debootstrap of that Debian with gcc, and this machine's toolchain of that version;
- `gcr.io/distroless/cc-debian13:nonroot`: the files of the Debian packages that it consists of, and its user.

The result is run as an engine would: its user, no capabilities, a read-only root, its own namespaces for mounts and
processes. It has to say that it is alive by its own HEALTHCHECK, to do a job, and to end with it on the stop signal.

Needs root, Debian's debootstrap and a redis-server. `--binary FILE` takes that file in place of what cargo would build, for
those who change this script; `--keep` leaves target/image as it is for the next run.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import dockerfile  # noqa: E402
import run_image  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "image"
MIRROR = "http://deb.debian.org/debian"
# What distroless makes cc-debian13 of (its static, base and cc), less what is only documentation.
DISTROLESS = [
    "base-files", "netbase", "tzdata", "media-types", "libc6", "libssl3t64", "libzstd1", "zlib1g", "libgomp1", "libstdc++6",
    "libgcc-s1", "gcc-14-base",
]


def say(text: str) -> None:
    print(f"image: {text}", file=sys.stderr)


def run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], check=True, **options)


def debian(release: str) -> Path:
    """A Debian with what rust's slim image installs: made once."""
    root = WORK / f"debian-{release}"
    if not (root / "usr/bin/gcc").exists():
        shutil.rmtree(root, ignore_errors=True)
        if not shutil.which("debootstrap"):
            say("installing debootstrap with apt-get")
            run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap", stdout=subprocess.DEVNULL)
        say(f"debootstrap of {release}")
        run("debootstrap", "--variant=minbase", "--include=ca-certificates,gcc,libc6-dev", release, root, MIRROR,
            stdout=subprocess.DEVNULL)
    return root


def builder(base: str) -> Path:
    """The stand-in for rust's image."""
    version, _, release = base.removeprefix("rust:").partition("-slim-")
    if not release:
        raise SystemExit(f"{base}: only rust:VERSION-slim-RELEASE has a stand-in")
    here = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    if not here.startswith(version + "."):
        raise SystemExit(f"this machine's Rust is {here}; the Dockerfile wants {version}")
    return debian(release)


def distroless(release: str) -> Path:
    """The stand-in for distroless's image: files of packages, no package manager."""
    whole, root, debs = debian(release), WORK / "distroless", WORK / "debs"
    shutil.rmtree(root, ignore_errors=True)
    debs.mkdir(parents=True, exist_ok=True)
    if len(list(debs.glob("*.deb"))) < len(DISTROLESS):
        shutil.copy("/etc/resolv.conf", whole / "etc/resolv.conf")
        (whole / "debs").mkdir(exist_ok=True)
        fetch = "cd /debs && apt-get update -qq && apt-get download -q " + " ".join(DISTROLESS)
        run("chroot", whole, "sh", "-c", fetch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for deb in (whole / "debs").glob("*.deb"):
            shutil.move(deb, debs / deb.name)
    root.mkdir()
    # Merged, as in Debian 13's own.
    for name in ("bin", "lib", "sbin", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for deb in sorted(debs.glob("*.deb")):
        contents = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        run("tar", "--extract", "--keep-directory-symlink", "--directory", root, stdin=contents.stdout)
        contents.wait()
    (root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    shutil.copy(whole / "etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n")
    (root / "etc/group").write_text("root:x:0:\nnonroot:x:65532:\n")
    (root / "tmp").mkdir(exist_ok=True)
    os.chmod(root / "tmp", 0o1777)
    return root


def copy_context(target: Path) -> None:
    """What .dockerignore lets through, as git has it: nobody's editor files."""
    rules = [line.strip() for line in (ROOT / ".dockerignore").read_text().splitlines()]
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    listed = run("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", capture_output=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file() and not dockerfile.ignored(name, rules):
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place)


def copied(stage_root: Path, workdir: str, rest: str, roots: dict[str, Path]) -> None:
    """COPY."""
    words = shlex.split(rest)
    flags = [word for word in words if word.startswith("--")]
    sources = [word for word in words if not word.startswith("--")]
    *sources, target = sources
    place = stage_root / os.path.join(workdir, target).lstrip("/")
    place.mkdir(parents=True, exist_ok=True)
    if not flags and sources == ["."]:
        copy_context(place)
        return
    match flags:
        case [flag] if flag.startswith("--from=") and target.endswith("/") and all(s.endswith("/") for s in sources):
            for source in sources:
                run("cp", "--archive", f"{roots[flag.removeprefix('--from=')]}{source}.", f"{place}/")
        case _:
            raise SystemExit(f"deploy/check/image.py does not know COPY {rest}")


def run_step(root: Path, image: dockerfile.Image, rest: str, binary: Path | None) -> None:
    """RUN: in a chroot, with what the cache mounts and rust's image would have there."""
    mounts, caches = [], []
    while match := rest.startswith("--mount="):
        flag, _, rest = rest.partition(" ")
        rest = rest.strip()
        options = dict(pair.split("=", 1) for pair in flag.removeprefix("--mount=").split(","))
        if options.get("type") != "cache" or not match:
            raise SystemExit(f"deploy/check/image.py does not know {flag}")
        caches.append(options["target"])
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    rustup = Path(os.environ.get("RUSTUP_HOME", Path.home() / ".rustup"))
    for place, source in (("/usr/local/cargo/bin", home / "bin"), ("/usr/local/rustup", rustup)):
        mounts.append((source, place, "ro"))
    for target in caches:
        # What this machine has fetched already need not be fetched again.
        source = home / "registry" if target.endswith("cargo/registry") else WORK / "cache" / target.strip("/").replace("/", "-")
        source.mkdir(parents=True, exist_ok=True)
        mounts.append((source, target, "rw"))
    if binary and "cargo build" in rest:
        say(f"in place of cargo's: {binary}")
        out = root / "out/usr/local/bin"
        out.mkdir(parents=True, exist_ok=True)
        shutil.copy(binary, out / "longshore")
        return
    say(rest[:100])
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    script = ["set -e"]
    for source, place, mode in mounts:
        (root / place.strip("/")).mkdir(parents=True, exist_ok=True)
        at = shlex.quote(f"{root}{place}")
        script.append(f"mount --bind {shlex.quote(str(source))} {at}")
        if mode == "ro":
            script.append(f"mount -o remount,bind,ro {at}")
    script += [f"mount -t proc proc {root}/proc", f"mount --bind /dev {root}/dev"]
    inner = f"cd {image.workdir} && {rest}"
    environment = {
        "PATH": "/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "CARGO_HOME": "/usr/local/cargo", "RUSTUP_HOME": "/usr/local/rustup", "HOME": "/root", "RUSTUP_TOOLCHAIN": "stable",
        **{name: os.environ[name] for name in os.environ if name.upper().endswith("_PROXY") or name == "CARGO_HTTP_CAINFO"},
        **image.values(),
    }
    words = " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())
    script.append(f"exec chroot {root} env -i {words} sh -c {shlex.quote(inner)}")
    run("unshare", "--mount", "sh", "-c", "\n".join(script))


def build(build_args: dict[str, str], binary: Path | None) -> tuple[Path, dockerfile.Image]:
    """Every stage, one after the other; the last one is the image."""
    roots: dict[str, Path] = {}
    for number, stage in enumerate(dockerfile.stages(ROOT / "deploy/Dockerfile", build_args)):
        root = WORK / f"stage-{number}"
        shutil.rmtree(root, ignore_errors=True)
        if stage.base.startswith("rust:"):
            # A layer above it, so that the next run begins with it as it was.
            run("cp", "--archive", "--reflink=auto", builder(stage.base), root)
        elif stage.base == "gcr.io/distroless/cc-debian13:nonroot":
            distroless("trixie").rename(root)
        else:
            raise SystemExit(f"there is no stand-in for {stage.base}")
        image = dockerfile.Image()
        for word, rest in stage.steps:
            if image.take(word, rest, build_args):
                continue
            if word == "WORKDIR":
                image.workdir = os.path.join(image.workdir, rest)
                (root / image.workdir.strip("/")).mkdir(parents=True, exist_ok=True)
            elif word == "COPY":
                copied(root, image.workdir, rest, roots)
            elif word == "RUN":
                run_step(root, image, rest, binary)
        if stage.name:
            roots[stage.name] = root
    return root, image


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--profile", default="release")
    args = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("this mounts and changes users, so it needs root")
    WORK.mkdir(parents=True, exist_ok=True)
    commit = run("git", "-C", ROOT, "rev-parse", "HEAD", capture_output=True, text=True).stdout.strip()
    version = next(line.split('"')[1] for line in (ROOT / "Cargo.toml").read_text().splitlines() if line.startswith("version"))
    day = run("git", "-C", ROOT, "show", "--no-patch", "--date=format-local:%Y-%m-%d", "--format=%cd", "HEAD", capture_output=True, text=True,
              env=os.environ | {"TZ": "UTC"}).stdout.strip()
    build_args = {"VERSION": version, "REVISION": commit, "REVISION_DATE": day, "PROFILE": args.profile}
    root, image = build(build_args, args.binary)
    binary = root / "usr/local/bin/longshore"
    size = sum(f.stat().st_size for f in root.rglob("*") if f.is_file() and not f.is_symlink())
    say(f"the image has {size / 1e6:.0f} MB, {binary.stat().st_size / 1e6:.0f} of them the binary; labels: {image.labels}")
    said = run("chroot", root, image.entrypoint[0], "--version", capture_output=True, text=True).stdout.strip()
    if not args.binary and said != f"longshore {version} ({commit[:12]} {day})":
        raise SystemExit(f"the program says of itself: {said}")
    run_image.check(root, image, has_sandbox=args.binary is not None)
    if not args.keep:
        for place in WORK.glob("stage-*"):
            shutil.rmtree(place)
    say("all is well")


if __name__ == "__main__":
    main()
