"""``evaluate``: a pipeline and prompts to an evaluation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.evaluation.fidelity import Inception
from c2l.evaluation.jobs import draw_all
from c2l.evaluation.judge import Judge, Question, find_judge
from c2l.evaluation.plan import Plan, full_settings, make_plan
from c2l.evaluation.result import SUMMARY, Evaluation
from c2l.evaluation.sampling import Eyes
from c2l.evaluation.scoring import Scoring
from c2l.evaluation.store import Store, refuse_other
from c2l.pipeline import Pipeline


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
    out: Path | str | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Evaluation:
    """Score a pipeline on prompts: alignment, quality, coverage, diversity, accuracy, cost.

    ``docs/evaluation.md`` says what each number means.

    Args:
        pipeline: as ``c2l.load_pipeline`` gives it, with its settings. Where they choose each
            picture among candidates, that is what one sample is, and labels say so.
        prompts: texts, or the questions of a judge, for which attribute accuracy is scored too.
        judge: answers the questions; by default that of the recipe with the same generator.
        independent: an embedder that had no part in the pipeline.
        num_images: N, pictures of each prompt; best of N is chosen among them.
        seed: picture j of prompt i has seed ``seed + 1000 * i + j``.
        guidance, steps: values to sweep, every one with every other; None is the default. One that
            the prior does not listen to counts as None, and several of them are refused.
        num_reference: M, pictures of the generator's own distribution to compare with.
        fid: also FID and KID, with torch-fidelity.
        out: folder for files; one that was begun is gone on with, one that is finished is read.
        on_progress: called with the number of pictures done, the number in all, and a note.
    Raises:
        BadInput: a value that cannot be used, a NaN embedding, or a folder of another evaluation.
        MissingDependency, NotDownloaded: of ``fid``.
        NotWritable: ``out`` cannot be written.
        EvaluationInterrupted: Ctrl-C.
    """
    pipeline, guidance, steps = _heard(pipeline, guidance, steps)
    plan = make_plan(
        prompts,
        num_images=num_images,
        seed=seed,
        guidance=guidance,
        steps=steps,
        num_reference=num_reference,
    )
    judge_name, judge = _judge(plan, judge, pipeline.generator.reference)
    if independent and independent.fingerprint() == pipeline.embedder.fingerprint():
        raise BadInput(
            f"{independent.reference} is the recipe's own embedder, so it is not independent",
            hint="Name another with --independent",
        )
    inception = Inception(pipeline.generator.device) if fid else None
    settings = full_settings(
        plan, pipeline, independent, judge_name, inception.settings() if inception else None
    )
    folder = Path(out) if out is not None else None
    if folder is not None and (folder / SUMMARY).exists():
        there = Evaluation.load(folder)
        refuse_other(folder, there.settings, settings)
        return there

    embedders = {"own": pipeline.embedder} | ({"independent": independent} if independent else {})
    views: dict[str, Any] = {name: embedder.embed_images for name, embedder in embedders.items()}
    if inception:
        views["inception"] = inception
    texts = _texts(embedders, plan)
    store = Store(folder / "parts" if folder else None, settings)
    batches = draw_all(
        pipeline,
        plan,
        texts["own"],
        Eyes(views, judge),
        store,
        on_progress or (lambda done, num, note: None),
    )
    evaluation = Scoring(pipeline, plan, texts, settings).finish(batches)
    if folder is not None:
        evaluation.write(folder)
        store.clear()
    return evaluation


def _heard(
    pipeline: Pipeline, guidance: Sequence[float | None], steps: Sequence[int | None]
) -> tuple[Pipeline, Sequence[float | None], Sequence[int | None]]:
    """A pipeline and values to sweep without those that its prior has no use for.

    Raises:
        BadInput: several values of one that changes nothing.
    """
    deaf = {"guidance", "steps"} - pipeline.prior.supported_options
    equal = [n for n, v in (("guidance", guidance), ("steps", steps)) if n in deaf and len(v) > 1]
    if equal:
        raise BadInput(
            f"{pipeline.prior.reference} has no use for {' and '.join(equal)}, and would draw the "
            "same pictures for all values",
            hint=f"Leave out {', '.join(f'--{name}' for name in equal)}",
        )
    heard = copy.copy(pipeline)
    heard.settings = pipeline.settings.heard_by(pipeline.prior)
    return (
        heard,
        [None] if "guidance" in deaf else guidance,
        [None] if "steps" in deaf else steps,
    )


def _judge(plan: Plan, judge: Judge | None, generator: str) -> tuple[str | None, Judge | None]:
    """The judge of questions, and what it is called; none for prompts."""
    if not plan.questions:
        return None, None
    if judge is not None:
        return f"{type(judge).__module__}:{type(judge).__name__}", judge
    found = find_judge(generator)
    if found is None:
        raise BadInput(
            f"no recipe has a judge for {generator}",
            hint="Give judge=…, or prompts instead of questions",
        )
    return found


def _texts(embedders: Mapping[str, Embedder], plan: Plan) -> dict[str, Tensor]:
    """The embeddings of all prompts, which are refused before anything is drawn if not finite."""
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
        raise BadInput("; ".join(broken), hint="Check the embedder's weights")
    return texts
