"""``evaluate``: a pipeline and prompts to an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.evaluation.fidelity import Inception
from c2l.evaluation.jobs import WHOLE, OnProgress, Share, draw_all, draw_share
from c2l.evaluation.judge import Judge, Question, find_judge
from c2l.evaluation.observing import Extractor, Observer
from c2l.evaluation.plan import Plan, full_settings, make_plan
from c2l.evaluation.report import report_page
from c2l.evaluation.result import SUMMARY, Evaluation
from c2l.evaluation.scoring import Scoring
from c2l.evaluation.store import Store, refuse_other
from c2l.files import write_atomically
from c2l.pipeline import Pipeline
from c2l.places import Place, place_of
from c2l.prior import Prior

REPORT = "report.html"
PARTS = "parts"


@torch.no_grad()
def evaluate(
    pipeline: Pipeline,
    prompts: Sequence[str] | Sequence[Question],
    *,
    judge: Judge | None = None,
    independent: Embedder | None = None,
    num_images: int = 4,
    seed: int = 0,
    guidance: Sequence[float | None] = (None,),
    steps: Sequence[int | None] = (None,),
    num_reference: int = 1024,
    fid: bool = False,
    out: Place | str | None = None,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Score a pipeline on prompts: alignment, quality, coverage, diversity, accuracy, cost.

    ``docs/evaluation.md`` says what each number means.

    Args:
        pipeline: as ``c2l.load_pipeline`` gives it, with its settings. If those draw each picture
            as the best of several candidates, that counts as one sample, and labels say so.
        prompts: texts, or a judge's questions, for which attribute accuracy is scored too.
        judge: answers the questions; by default the one of the recipe with the same generator.
        independent: an embedder that had no part in the pipeline.
        num_images: N, pictures of each prompt; best of N is chosen among them.
        seed: picture j of prompt i has seed ``seed + 1000 * i + j``.
        guidance, steps: values to sweep, each combination of the two is a variant; None is the
            pipeline's own. One value that the prior does not support counts as None, several are
            refused.
        num_reference: M, pictures of the generator's own distribution to compare with.
        fid: also FID and KID, with torch-fidelity.
        out: folder for the files, or its address in a store. If it holds an unfinished evaluation
            with the same settings, that is resumed; a finished one is read.
        on_progress: see ``OnProgress``.
    Raises:
        BadInput: a value out of range, a NaN embedding, or a folder with another evaluation.
        MissingDependency, NotDownloaded: of ``fid``.
        NotWritable: ``out`` cannot be written.
        EvaluationInterrupted: Ctrl-C.
    """
    folder = place_of(out) if out is not None else None
    work = prepare(
        pipeline,
        prompts,
        judge=judge,
        independent=independent,
        num_images=num_images,
        seed=seed,
        guidance=guidance,
        steps=steps,
        num_reference=num_reference,
        fid=fid,
    )
    return work.finished(folder) or work.carry_out(folder, on_progress or silent)


def silent(done: int, num: int, note: str) -> None:
    """An ``OnProgress`` that says nothing."""


@dataclass(frozen=True)
class Work:
    """An evaluation before anything is drawn.

    Args:
        observer: looks at what is drawn.
        texts: embeddings (P, E) of the P prompts by each embedder.
        settings: everything that the numbers depend on.
    """

    pipeline: Pipeline
    plan: Plan
    observer: Observer
    texts: Mapping[str, Tensor]
    settings: Mapping[str, Any]

    def finished(self, folder: Place | None) -> Evaluation | None:
        """The same evaluation, if the folder holds it finished.

        Raises:
            BadInput: it holds another one.
        """
        if folder is None or not (folder / SUMMARY).exists():
            return None
        finished = Evaluation.load(folder)
        refuse_other(folder, finished.settings, self.settings)
        return finished

    @torch.no_grad()
    def carry_out(
        self, folder: Place | None, on_progress: OnProgress, share: Share = WHOLE
    ) -> Evaluation:
        """Draw what the folder does not hold yet, and score everything.

        Args:
            share: what this process draws before it waits for others.
        """
        store = Store(folder / PARTS if folder else None, self.settings)
        drawn = draw_all(self.pipeline, self.plan, self.observer, store, on_progress, share)
        scoring = Scoring(self.pipeline, self.plan, self.texts, self.settings)
        evaluation = scoring.finish(drawn)
        if folder is not None:
            # The summary comes last: it says that the folder is finished.
            write_atomically(folder / REPORT, report_page(evaluation).encode())
            evaluation.write(folder)
            store.clear()
        return evaluation

    @torch.no_grad()
    def help(self, folder: Place, share: Share) -> None:
        """Draw a share of what another process carries out, into its folder."""
        store = Store.of_helper(folder / PARTS, self.settings)
        draw_share(self.pipeline, self.plan, self.observer, store, share)


@torch.no_grad()
def prepare(
    pipeline: Pipeline,
    prompts: Sequence[str] | Sequence[Question],
    *,
    judge: Judge | None = None,
    independent: Embedder | None = None,
    num_images: int,
    seed: int,
    guidance: Sequence[float | None],
    steps: Sequence[int | None],
    num_reference: int,
    fid: bool,
) -> Work:
    """Check everything that ``evaluate`` is given, and embed the prompts."""
    guidance, steps = _supported_values(pipeline.prior, guidance, steps)
    plan = make_plan(
        prompts,
        num_images=num_images,
        seed=seed,
        guidance=guidance,
        steps=steps,
        num_reference=num_reference,
    )
    for variant in plan.variants:
        pipeline.effective(variant.settings)  # before the first is drawn, not before the last
    judge_name, judge = _judge_for(plan, judge, pipeline.generator.reference)
    if independent and independent.fingerprint() == pipeline.embedder.fingerprint():
        raise BadInput(
            f"{independent.reference} is the recipe's own embedder, so it is not independent",
            hint="Give another embedder as `independent`",
            field="independent",
        )
    inception = Inception(pipeline.generator.device) if fid else None
    settings = full_settings(
        plan, pipeline, independent, judge_name, inception.settings() if inception else None
    )
    embedders = {"own": pipeline.embedder} | ({"independent": independent} if independent else {})
    extractors: dict[str, Extractor] = {n: e.embed_images for n, e in embedders.items()}
    if inception:
        extractors["inception"] = inception
    texts = embed_prompts(embedders, plan)
    return Work(pipeline, plan, Observer(extractors, judge), texts, settings)


def _supported_values(
    prior: Prior, guidance: Sequence[float | None], steps: Sequence[int | None]
) -> tuple[Sequence[float | None], Sequence[int | None]]:
    """The values to sweep; None alone for what the prior does not support.

    Raises:
        BadInput: several values of an option that changes nothing.
    """
    unsupported = prior.ignored_options & {"guidance", "steps"}
    swept = {"guidance": len(guidance) > 1, "steps": len(steps) > 1}
    useless = [name for name in sorted(unsupported) if swept[name]]
    if useless:
        raise BadInput(
            f"{prior.reference} does not support {' and '.join(useless)}, and would draw the same "
            "pictures for all values",
            hint=f"Leave out {' and '.join(f'`{name}`' for name in useless)}",
            field=useless[0],
        )
    return (
        [None] if "guidance" in unsupported else guidance,
        [None] if "steps" in unsupported else steps,
    )


def _judge_for(plan: Plan, judge: Judge | None, generator: str) -> tuple[str | None, Judge | None]:
    """The judge of the plan's questions, with its name; None and None for plain prompts."""
    if not plan.questions:
        return None, None
    if judge is not None:
        return f"{type(judge).__module__}:{type(judge).__name__}", judge
    found = find_judge(generator)
    if found is None:
        raise BadInput(
            f"no recipe has a judge for {generator}",
            hint="Give a `judge`, or texts as `prompts`",
            field="judge",
        )
    return found


def embed_prompts(embedders: Mapping[str, Embedder], plan: Plan) -> dict[str, Tensor]:
    """The embeddings (P, E) of all prompts by each embedder.

    Raises:
        BadInput: one is NaN or infinite, before anything is drawn.
    """
    size = 256
    texts = {
        name: torch.cat(
            [
                embedder.embed_text(plan.prompts[i : i + size])
                for i in range(0, len(plan.prompts), size)
            ]
        ).cpu()
        for name, embedder in embedders.items()
    }
    broken = [
        f"{embedders[name].reference} embeds prompt {int(bad[0]) + 1} as NaN or infinity"
        for name, text in texts.items()
        if len(bad := (~torch.isfinite(text).all(1)).nonzero())
    ]
    if broken:
        raise BadInput("; ".join(broken), hint="Check the embedder's weights", field="embedder")
    return texts
