"""Build stand-in images for a machine that can pull none.

An image takes the name that compose.yml asks for, so that Teal runs in containers unchanged. It is
made from Debian sid and has the official image's user, paths, entrypoint and health-check tools.
What exists already with the same recipe is left alone; so is a real image of that name.
"""

import argparse
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
RECIPE_LABEL = "teal.standin.recipe"
LIMIT_SECONDS = 600

BASE = "teal-standin/base"
BARE_DEBIAN = "teal-test/bare-debian12"
# Each image's Debian package; its folder here is called as the last part of the image's name.
PACKAGES = {
    "nginx": "nginx",
    "prom/prometheus": "prometheus",
    "prom/alertmanager": "prometheus-alertmanager",
    "prom/blackbox-exporter": "prometheus-blackbox-exporter",
    "python": "python3",
}
# Compose 2.40 warns without buildx; docker build wants it as well.
CLI_PLUGINS = {"compose": "docker-compose", "buildx": "docker-buildx"}


class StandinError(Exception):
    """What went wrong, and what to do about it."""


def main() -> None:
    """Build what is missing and say what was done."""
    options = _options()
    try:
        _check_machine()
        _build_standins(cache=options.cache, fresh=options.fresh)
        if options.bare_debian:
            system = _import_debian("bookworm", cache=options.cache, fresh=options.fresh)
            _build(BARE_DEBIAN, parent=system, fresh=options.fresh)
        if options.compose_plugin:
            for plugin, package in CLI_PLUGINS.items():
                _install_cli_plugin(plugin, package)
    except StandinError as error:
        sys.exit(f"standins: {error}")


# Private


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=ROOT / ".teal/standins",
        help="where the unpacked Debian systems are kept as tar files (default: %(default)s)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="build everything anew from today's Debian"
    )
    parser.add_argument(
        "--compose-plugin",
        action="store_true",
        help="install `docker compose` and `docker buildx` for this user where they are missing",
    )
    parser.add_argument(
        "--bare-debian", action="store_true", help=f"build {BARE_DEBIAN}, a newcomer's machine, too"
    )
    return parser.parse_args()


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise StandinError("debootstrap needs root: run this as root")
    for program, package in (("debootstrap", "debootstrap"), ("docker", "docker.io")):
        if shutil.which(program) is None:
            raise StandinError(f"no {program} here: apt-get install {package}")
    if not CA_BUNDLE.exists():
        raise StandinError(f"no {CA_BUNDLE} here: apt-get install ca-certificates")
    _run("docker", "info", what="no Docker engine answers: start dockerd")


def _build_standins(*, cache: Path, fresh: bool) -> None:
    system = _import_debian("sid", cache=cache, fresh=fresh)
    base = _build(BASE, parent=system, fresh=fresh)
    versions = _versions_in_base()
    for repository, package in PACKAGES.items():
        image = _wanted_image(repository)
        version = versions.get(package)
        if version is None:
            raise StandinError(f"Debian sid has no package {package}: {image} cannot be built")
        _build(image, parent=base, fresh=fresh, note=f"{package} {version}")
        if _recipe_of(image):
            _compare(image, version)


def _import_debian(suite: str, *, cache: Path, fresh: bool) -> str:
    """Return the recipe of the image teal-standin/SUITE, debootstrapped at most once per cache."""
    image = f"teal-standin/{suite}"
    recipe = hashlib.sha256(f"minbase {suite} ca-certificates".encode()).hexdigest()
    if _recipe_of(image) == recipe and not fresh:
        return recipe
    archive = cache / f"{suite}.tar"
    if fresh or not archive.exists():
        print(f"{image}: debootstrap {suite}", flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            system, partial = f"{folder}/system", f"{folder}/tar"
            _run("debootstrap", "--variant=minbase", "--include=ca-certificates", suite, system)
            # Packages that debootstrap downloaded, and devices that Docker makes itself.
            skipped = ("--exclude=./var/cache/apt/archives/*.deb", "--exclude=./dev/*")
            _run("tar", "--numeric-owner", *skipped, "-C", system, "-cf", partial, ".")
            Path(partial).rename(archive)
    _run("docker", "import", "--change", f"LABEL {RECIPE_LABEL}={recipe}", str(archive), image)
    return recipe


def _build(image: str, *, parent: str, fresh: bool, note: str = "") -> str:
    """Return the recipe of `image`, built from its folder unless that has been done."""
    folder = HERE / image.partition(":")[0].rpartition("/")[2]
    recipe = hashlib.sha256(parent.encode() + CA_BUNDLE.read_bytes())
    for path in sorted(folder.iterdir()):
        recipe.update(path.name.encode() + bytes([path.stat().st_mode & 0o111]) + path.read_bytes())
    name = f"{image} ({note})" if note else image
    there = _recipe_of(image)
    if there == "":
        print(f"{name}: a real image has this name, left alone", flush=True)
    elif there == recipe.hexdigest() and not fresh:
        print(f"{name}: up to date", flush=True)
    else:
        print(f"{name}: building", flush=True)
        with tempfile.TemporaryDirectory() as context:
            shutil.copytree(folder, context, dirs_exist_ok=True)
            shutil.copy(CA_BUNDLE, context)
            label = f"{RECIPE_LABEL}={recipe.hexdigest()}"
            _run(
                *("docker", "build", "--no-cache", "--label", label, "--tag", image, context),
                what=f"{image} cannot be built; if a package was not found, try --fresh",
            )
    return recipe.hexdigest()


def _recipe_of(image: str) -> str | None:
    """Return the recipe an image was built with; "" if it is not ours, None if there is none."""
    label = f'{{{{index .Config.Labels "{RECIPE_LABEL}"}}}}'
    command = ["docker", "image", "inspect", "--format", label, image]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _wanted_image(repository: str) -> str:
    """Return repository:tag as the project says it."""
    files = [ROOT / "compose.yml", *ROOT.glob("*/Dockerfile")]
    text = "\n".join(path.read_text() for path in files)
    found = set(re.findall(rf"(?<![\w./-]){re.escape(repository)}:v?\d[\w.-]*", text))
    if len(found) != 1:
        names = ", ".join(sorted(found)) or "none"
        raise StandinError(
            f"{repository}: compose.yml and the Dockerfiles want one tag, not: {names}"
        )
    return str(found.pop())


def _versions_in_base() -> dict[str, str]:
    lines = _run("docker", "run", "--rm", BASE, "apt-cache", "madison", *PACKAGES.values())
    fields = (line.split("|") for line in lines.decode().splitlines())
    return {package.strip(): version.strip() for package, version, _ in fields}


def _compare(image: str, version: str) -> None:
    """Say it loudly when Debian's version (1.30.6-2, 3.5.3+ds1-6) is not the tag's (v3.5.3)."""
    wanted = re.sub(r"^v?(\d+(\.\d+)*).*", r"\1", image.partition(":")[2])
    upstream = re.sub(r"^(\d+:)?(\d+(\.\d+)*).*", r"\2", version)
    if f"{upstream}.".startswith(f"{wanted}."):
        return
    print(
        f"WARNING: {image} is NOT {wanted}: Debian sid has {version}. The stand-in takes the name "
        "all the same. (--fresh looks at today's Debian.)",
        file=sys.stderr,
        flush=True,
    )


def _install_cli_plugin(plugin: str, package: str) -> None:
    command = ["docker", plugin, "version"]
    if subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0:
        print(f"docker {plugin}: works already", flush=True)
        return
    print(f"docker {plugin}: installing from Debian's {package}", flush=True)
    unpack = 'cd /tmp && apt-get -qq download "$1" >&2 && dpkg --fsys-tarfile "$1"_*.deb'
    content = _run("docker", "run", "--rm", BASE, "sh", "-c", unpack, "sh", package)
    name = f"docker-{plugin}"
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        binary = files.extractfile(f"./usr/libexec/docker/cli-plugins/{name}")
        assert binary is not None  # for the type checker
        target = Path.home() / ".docker/cli-plugins" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(binary.read())
    target.chmod(0o755)
    _run(*command, what=f"{target} does not run here; delete it")


def _run(*command: str, what: str = "") -> bytes:
    """Return what a command wrote to standard output."""
    try:
        done = subprocess.run(
            command,
            # The classic builder: the only one that a bare engine 20.10 and client have.
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StandinError(f"{' '.join(command)}: no end after {LIMIT_SECONDS} s") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).decode(errors="replace")
        tail = "\n".join(output.splitlines()[-15:])
        raise StandinError(f"{what or 'failed: ' + ' '.join(command)}\n{tail}")
    return done.stdout


if __name__ == "__main__":
    main()
