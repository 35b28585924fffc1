"""Coverage-guided fuzzing of `parse()` with atheris, by hand: docs/formats.md says how.

    python tests/hostile/fuzz.py FOLDER [libFuzzer options, such as -max_total_time=900]

FOLDER keeps the corpus (it begins with the fixtures) and, in `found/`, each message for which `parse()` breaks one
of its promises, takes over a second of processor time, or needs over 200 MB; the reason stands in the `.txt` beside it.
It goes on after each: at most three of a kind are kept.
"""

from __future__ import annotations

import hashlib
import random
import re
import resource
import sys
import time
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

with atheris.instrument_imports(include=["parsers"]):
    from hostile.mangling import MOST, TOKENS, mangled
    from hostile.promises import BrokenPromiseError, kept

    from parsers import registry

SECONDS = 1.0
KILOBYTES = 200 * 1024
OF_A_KIND = 3


class Hunt:
    def __init__(self, folder: Path) -> None:
        self.found = folder / "found"
        self.found.mkdir(parents=True, exist_ok=True)
        self.kinds: dict[str, int] = {}

    def one(self, raw: bytes) -> None:
        start, before = time.process_time(), _kilobytes()
        try:
            kept(raw)
        except BrokenPromiseError as error:
            self.keep(raw, str(error))
        if (seconds := time.process_time() - start) > SECONDS:
            self.keep(raw, f"takes {seconds:.1f} seconds")
        if (more := _kilobytes() - before) > KILOBYTES:
            self.keep(raw, f"needs {more // 1024} MB")

    def keep(self, raw: bytes, why: str) -> None:
        kind = re.sub(r"[\d.]+", "N", why)[:120]
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if self.kinds[kind] > OF_A_KIND:
            return
        name = hashlib.sha256(raw).hexdigest()[:16]
        (self.found / f"{name}.eml").write_bytes(raw)
        (self.found / f"{name}.txt").write_text(why + "\n", encoding="utf-8")
        print(f"found {name}: {why}", file=sys.stderr, flush=True)


def _kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def mutate(raw: bytes, most: int, seed: int) -> bytes:
    """Half the time by libFuzzer's means, which follow coverage byte by byte, else by ways that know mail."""
    if random.Random(seed).random() < 0.5:
        return atheris.Mutate(raw, most)
    return mangled(raw or b"x", seed)[:most]


def escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def main() -> None:
    folder = Path(sys.argv[1])
    seeds = folder / "corpus"
    if not seeds.exists():
        seeds.mkdir(parents=True)
        for path in (ROOT / "fixtures").glob("*/*.eml"):
            (seeds / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes()[:MOST])
    words = folder / "tokens.dict"
    words.write_text("".join(f'"{escaped(token)}"\n' for token in TOKENS), encoding="ascii")
    registry.known()
    hunt = Hunt(folder)
    options = [
        f"-max_len={MOST}",
        f"-dict={words}",
        "-rss_limit_mb=4096",
        "-timeout=60",
        f"-artifact_prefix={hunt.found}/",
    ]
    atheris.Setup([sys.argv[0], str(seeds), *options, *sys.argv[2:]], hunt.one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
