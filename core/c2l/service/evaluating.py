"""Evaluations as front ends ask for them: parts by reference, prompts from a file or a judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.evaluation import Evaluation, Question, evaluate, find_judge
from c2l.evaluation.compare import Comparison, compare
from c2l.evaluation.plan import make_plan
from c2l.evaluation.run import Work, prepare
from c2l.fetching import find_missing
from c2l.loading import load_embedder, load_pipeline
from c2l.pipeline import Pipeline
from c2l.places import Place, place_of
from c2l.places.fields import LocalField, PlaceField
from c2l.prompts.files import read_distinct_prompts
from c2l.ranges import Adherence, Count, Guidance, Seed, Steps, Truncation
from c2l.sampling.best_of import BestOf
from c2l.sampling.request import DrawSettings
from c2l.service.consent import Ask, fetch_with_consent, load_with_consent
from c2l.service.evaluating_together import helpers
from c2l.service.notices import Notice, Tell, notices_of_ignored
from c2l.service.pairs import ChosenDevice
from c2l.service.session import named_parts
from c2l.service.typed_values import split_list
from c2l.threads import single_threaded
from c2l.training.checks import Faults
from c2l.validation import FieldError, bad_input

if TYPE_CHECKING:
    from c2l_registry.downloads import FileReport

COMPARISON = "comparison.html"

Prompts = Sequence[str] | Sequence[Question]


def _only(names: Any) -> Any:
    """The only name of a list, as arguments of a command come."""
    if isinstance(names, (list, tuple)) and len(names) > 1:
        raise FieldError(
            f"{len(names)} recipes are given, not one",
            hint="Evaluate one after the other, then compare: `c2l eval compare=True RUN RUN`",
        )
    return next(iter(names), None) if isinstance(names, (list, tuple)) else names


class EvaluationRequest(BaseModel):
    """What to evaluate, on what, and how. None leaves a value to the recipe or the prior.

    Args:
        recipe, generator, embedder, prior: as in ``c2l.load_pipeline``.
        prompts: a text file with one prompt on each line; None asks the recipe's judge.
        num_prompts, prompt_seed: how many questions to ask the judge for, and which.
        num_images: pictures of each prompt.
        seed: of the first picture.
        guidance, steps: values to sweep.
        adherence, truncation, best_of, rank_by: as in ``DrawSettings``.
        independent: an embedder that had no part in the recipe.
        num_reference: pictures of the generator's own distribution to compare with.
        fid: also FID and KID.
        device: as in ``c2l.load_pipeline``.
        processes: how many share the drawing. Each draws with one thread on a CPU, so that the
            pictures are the same whatever their number. None for this one, with all its threads.
        out: folder for the report and everything else, or its address in a store.
    Raises:
        BadInput: naming every value that is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recipe: Annotated[str | None, BeforeValidator(_only)] = None
    generator: str | None = None
    embedder: str | None = None
    prior: str | None = None
    prompts: LocalField | None = None
    num_prompts: Count = 200
    prompt_seed: Seed = 0
    num_images: Count = 4
    seed: Seed = 0
    guidance: tuple[Guidance, ...] = ()
    steps: tuple[Steps, ...] = ()
    adherence: Adherence | None = None
    truncation: Truncation | None = None
    best_of: BestOf | None = None
    rank_by: Literal["pictures", "student"] | None = None
    independent: str | None = None
    num_reference: Count = 1024
    fid: bool = False
    device: str = "auto"
    processes: Count | None = None
    out: PlaceField = Path("evaluation")

    def __init__(self, **values: Any) -> None:
        with bad_input({}):
            super().__init__(**values)

    @property
    def parts(self) -> dict[str, Any]:
        """The references of the pipeline, as ``load_pipeline`` takes them."""
        return {n: getattr(self, n) for n in ("recipe", "generator", "embedder", "prior")}

    @property
    def plan(self) -> dict[str, Any]:
        """The other arguments of ``evaluate``, after the pipeline and the prompts."""
        return {
            "num_images": self.num_images,
            "seed": self.seed,
            "guidance": self.guidance or (None,),
            "steps": self.steps or (None,),
            "num_reference": self.num_reference,
        }


def read_evaluation(**fields: Any) -> tuple[EvaluationRequest, list[str]]:
    """A request, and the prompts of its file if it names one.

    None means not given. ``guidance`` and ``steps`` may be texts such as ``1,1.5,2``.

    Raises:
        BadInput: naming everything that is wrong.
    """
    for name in ("guidance", "steps"):
        fields[name] = split_list(fields.get(name))
    given = {name: value for name, value in fields.items() if value is not None}
    faults = Faults()
    request = faults.catch(lambda: EvaluationRequest(**given))
    file = given.get("prompts")
    prompts = faults.catch(lambda: read_distinct_prompts(Path(file))) if file else []
    if request is not None and not faults:
        faults.catch(lambda: make_plan(prompts or ["a prompt"], **request.plan))
    faults.raise_all()
    assert request is not None and prompts is not None
    return request, prompts


def run_evaluation(
    request: EvaluationRequest,
    prompts: Sequence[str],
    *,
    ask: Ask | None = None,
    tell: Tell = lambda notice: None,
    on_download: FileReport | None = None,
    on_progress: Callable[[int, int, str], None] = lambda done, num, note: None,
) -> Evaluation:
    """Load the parts, and score them.

    Args:
        request, prompts: as ``read_evaluation`` gives them; without prompts the judge is asked.
        ask, tell, on_download: as ``fetch_with_consent``.
        on_progress: called with pictures done, pictures in total, and a note.
    Raises:
        As ``fetch_with_consent``, ``c2l.load_pipeline`` and ``c2l.evaluate``.
    """
    device = ChosenDevice(request.device, tell)
    parts = named_parts(request)
    named = [r for r in (parts.generator, parts.embedder, parts.prior) if r is not None]

    def load() -> tuple[Pipeline, Prompts]:
        return load_with_consent(lambda: _load(request, prompts, device.name), ask)

    # If nothing has to be fetched for them, faulty parts are reported before any question.
    loaded = None if find_missing(named) else load()
    others = [request.independent] if request.independent else []
    fetch_with_consent([*named, *others], ask=ask, tell=tell, on_download=on_download)
    pipeline, asked = loaded or load()
    independent = load_embedder(others[0], device=device.name) if others else None
    for notice in _notices(request, pipeline, independent, asked):
        tell(notice)
    given = {"independent": independent, "fid": request.fid, **request.plan}
    progress = device.telling(on_progress)
    if request.processes is None:
        return evaluate(pipeline, asked, out=request.out, on_progress=progress, **given)
    work = prepare(pipeline, asked, **given)
    if (finished := work.finished(request.out)) is not None:
        return finished
    used = pipeline.generator.device
    helping = helpers(
        request.processes, partial(_prepare, request, prompts), work, request.out, used
    )
    with helping as share, single_threaded() if used.type == "cpu" else nullcontext():
        return work.carry_out(request.out, progress, share)


def _load(
    request: EvaluationRequest, prompts: Sequence[str], device: str
) -> tuple[Pipeline, Prompts]:
    pipeline = load_pipeline(**request.parts, device=device)
    settings = {n: getattr(request, n) for n in _SETTINGS}
    pipeline.settings = DrawSettings(**settings).with_defaults(pipeline.settings)
    return pipeline, prompts or _questions(pipeline, request)


def _prepare(request: EvaluationRequest, prompts: Sequence[str], device: str) -> Work:
    """What a helper does of ``run_evaluation`` before it draws."""
    pipeline, asked = _load(request, prompts, device)
    name = request.independent
    independent = load_embedder(name, device=device) if name else None
    return prepare(pipeline, asked, independent=independent, fid=request.fid, **request.plan)


def compare_runs(
    folders: Sequence[Place | str], out: Place | str | None = None
) -> tuple[Comparison, Place | None]:
    """Compare finished evaluations side by side.

    Args:
        folders: two or more, or their addresses in a store.
        out: a folder to write the comparison to, as a page; None for no page.
    Returns:
        The comparison, and the page.
    Raises:
        BadInput: fewer than two, unfinished ones, or ones that cannot be compared.
        NotWritable: ``out`` cannot be written.
    """
    comparison = compare(list(map(place_of, folders)))
    if out is None:
        return comparison, None
    from c2l.evaluation.report import comparison_page
    from c2l.files import write_atomically

    page = place_of(out) / COMPARISON
    write_atomically(page, comparison_page(comparison).encode())
    return comparison, page


_SETTINGS = ("adherence", "truncation", "best_of", "rank_by")


def _questions(pipeline: Pipeline, request: EvaluationRequest) -> Sequence[Question]:
    found = find_judge(pipeline.generator.reference)
    if found is None:
        raise BadInput(
            f"there are no prompts, and no recipe has a judge for {pipeline.generator.reference}",
            hint="Give `prompts`, a file with one prompt on each line",
            field="prompts",
        )
    return found[1].questions(request.num_prompts, request.prompt_seed)


def _notices(
    request: EvaluationRequest, pipeline: Pipeline, independent: Embedder | None, asked: Prompts
) -> Iterator[Notice]:
    single = [name for name in ("guidance", "steps") if len(getattr(request, name)) == 1]
    given = [*single, *(["adherence"] if request.adherence is not None else [])]
    yield from notices_of_ignored(pipeline.prior, given)
    prompts = [p if isinstance(p, str) else p.prompt for p in asked]
    for embedder in filter(None, (pipeline.embedder, independent)):
        yield from _unread(embedder, prompts)


def _unread(embedder: Embedder, prompts: Sequence[str]) -> Iterator[Notice]:
    readings = [embedder.read_text(prompt) for prompt in prompts]
    if unknown := list(dict.fromkeys(word for r in readings for word in r.unknown)):
        words = ", ".join(f"'{word}'" for word in unknown[:8])
        more = f" and {len(unknown) - 8} more words" if len(unknown) > 8 else ""
        yield Notice("words", f"{embedder.reference} does not know {words}{more}")
    if num_cut := sum(bool(r.cut) for r in readings):
        yield Notice(
            "length", f"{num_cut} prompts are too long for {embedder.reference} and are cut"
        )
