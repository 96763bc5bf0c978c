"""Hands the pairs of a request to SLURM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from c2l.errors import BadInput
from c2l.loading import load_embedder, load_generator
from c2l.pairs import begin_pairs, missing_shards, suited_batch_size
from c2l.pairs.slurm import Scripts, Submitted, submit, write_scripts
from c2l.places import Place, place_of
from c2l.service.consent import Ask, fetch_with_consent, load_with_consent
from c2l.service.notices import Tell
from c2l.service.pairs_request import PairsRequest, wanted_pairs

if TYPE_CHECKING:
    from c2l_registry.downloads import FileReport


@dataclass(frozen=True)
class SubmittedPairs:
    """Pairs that SLURM draws.

    Args:
        jobs: what was handed over; None if nothing is missing, or nothing was to be handed over.
        scripts: what it runs.
    """

    jobs: Submitted | None
    scripts: Scripts


def submit_pairs(
    request: PairsRequest,
    *,
    tasks: int = 100,
    sbatch: Sequence[str] = (),
    dry_run: bool = False,
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
) -> SubmittedPairs:
    """Begin a folder, and hand what is missing to SLURM. Again, it hands over what is left.

    The parts are loaded here, on the CPU: what is wrong with them is said before anything waits in
    a queue. Nodes must see the same folder and the same files.

    Args:
        request: its ``device`` is that of the nodes.
        tasks: how many at most; each draws every ``tasks``-th shard.
        sbatch: options of it, as they are typed.
        dry_run: write the scripts, and hand nothing over.
    Raises:
        As ``make_pairs``; and as ``c2l.pairs.slurm.submit``.
    """
    if tasks < 1:
        raise BadInput(f"`tasks={tasks}` is below 1", hint="Use `tasks=1` or more", field="tasks")
    wanted, out = wanted_pairs(request), place_of(request.out)
    references = [wanted.generator, wanted.embedder]
    fetch_with_consent(references, ask=ask, tell=tell, on_download=on_download)
    generator = load_with_consent(lambda: load_generator(wanted.generator, device="cpu"), ask)
    batch_size = request.batch_size
    if batch_size is None and not wanted.num_before:
        batch_size = suited_batch_size(generator, request.device.partition(":")[0])
    plan = begin_pairs(
        (generator, load_embedder(wanted.embedder, device="cpu")),
        wanted.num,
        out,
        groups=wanted.groups,
        class_labels=wanted.class_labels,
        first_seed=wanted.first_seed,
        shard_size=request.shard_size,
        batch_size=batch_size,
        precision=request.precision,
        latents=request.latents,
        measure=False,  # what the nodes have may not be here
    )
    world = min(tasks, plan.num_shards)
    scripts = write_scripts(out, world, request.device, _scripts_of(out))
    ranks = sorted({index % world for index in missing_shards(plan, out)})
    if dry_run or not ranks:
        return SubmittedPairs(None, scripts)
    return SubmittedPairs(submit(scripts, ranks, sbatch), scripts)


def _scripts_of(out: Place) -> Path:
    """Where the scripts of a folder lie: beside it, or here where it is in a store."""
    name = f"{out.name}.slurm"
    return out.with_name(name) if isinstance(out, Path) else Path(name)
