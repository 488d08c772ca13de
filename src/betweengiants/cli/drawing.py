"""Options of commands that draw the position under uncertain inputs, and the drawing itself."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from betweengiants.dossier import Dossier
    from betweengiants.position.coupled_draws import CoupledDraws

DrawsOption = Annotated[
    int,
    typer.Option("--draws", metavar="N", min=0, help="Draws behind the intervals; 0: the central case only."),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same numbers.")]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", metavar="N", min=1, help="Processes (default: one a core).")
]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="Where draws are kept (default: the user's cache folder)."),
]


def drawn(
    dossier: Dossier, draws: int, seed: int, jobs: int | None, cache: Path | None
) -> CoupledDraws | None:
    """Draws from the cache, or made now with a line of progress on a terminal; None for 0 draws."""
    from betweengiants.position import draw_store
    from betweengiants.position.coupled import can_couple
    from betweengiants.position.coupled_draws import BLOCK, coupled_draws

    if draws == 0 or not can_couple(dossier):
        return None
    folder = cache or draw_store.default_folder()
    known = draw_store.load(folder, dossier, draws, seed)
    if known is not None:
        return known
    show = _progress if sys.stderr.isatty() else None
    with workers(jobs, -(-draws // BLOCK)) as executor:
        found = coupled_draws(dossier, draws, seed=seed, executor=executor, progress=show)
    draw_store.save(folder, dossier, found)
    return found


@contextmanager
def workers(jobs: int | None, most: int) -> Iterator[Executor | None]:
    """Processes to share work with, as many as asked for (None: one a core) but for `most`; None where that is one."""
    count = min(jobs or os.cpu_count() or 1, most)
    if count <= 1:
        yield None
        return
    with _pool(count) as executor:
        yield executor


@contextmanager
def renderer(jobs: int | None) -> Iterator[Executor | None]:
    """One more process, which renders pictures meanwhile; None where a single one is asked for or at hand."""
    if (jobs or os.cpu_count() or 1) == 1:
        yield None
        return
    with _pool(1) as executor:
        yield executor


def _pool(count: int) -> Executor:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # A forked copy of a process with threads (polars has them) may hang.
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def _progress(done: int, whole: int) -> None:
    end = "\n" if done == whole else ""
    print(f"\rblocks of draws: {done} of {whole}", end=end, file=sys.stderr, flush=True)
