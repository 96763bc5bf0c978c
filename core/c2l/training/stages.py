"""The stages of a training run: a prior is trained, then finished with what it lacks, and saved."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from c2l.devices import resolve_device
from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.guard import blaming, watch
from c2l.pairs import Pairs
from c2l.pairs.drawing import kind_of
from c2l.places import Place, written_by
from c2l.plugins import registry
from c2l.prior import Prior
from c2l.prior_file import PriorCard
from c2l.prompts.domains import Domain, find_domain
from c2l.ranks import Ranks
from c2l.training.batches import rng_of
from c2l.training.checkpoint import checkpoint_path
from c2l.training.choosing import Choice, choose_again, choose_settings
from c2l.training.feed import Feed, WholeFeed, WindowFeed
from c2l.training.log import TrainingLog
from c2l.training.loop import run_steps
from c2l.training.oddities import Oddity, find_oddities, find_unread
from c2l.training.plan import TrainingPlan, make_plan, usual_steps
from c2l.training.priors import new_prior
from c2l.training.report import TrainingProgress, Validation
from c2l.training.run import TrainingRun
from c2l.training.student import student_scores, train_student
from c2l.training.unlike import find_unlike
from c2l.training.validation import Validator, held_out_loss
from c2l.training.verdict import verdict
from c2l.trial import try_prior
from c2l_registry import Reference, Source
from c2l_registry.loose import file_of_package

FEWEST_TO_FIT = 4096
"""Pairs, where a window holds fewer: as many as a bridge keeps."""


class Stages:
    """Training, finishing and saving one prior, and what these stages share.

    Args:
        run: with ``out``.
        generator, embedder: the parts that made the pairs; None where they are not at hand.
    """

    def __init__(
        self,
        ranks: Ranks,
        run: TrainingRun,
        pairs: Pairs,
        generator: Generator | None,
        embedder: Embedder | None,
    ) -> None:
        self.ranks, self.run, self.manifest = ranks, run, pairs.manifest
        assert run.out is not None
        self.out = run.out
        if run.domain is not None and embedder is None:
            raise BadInput(
                "the prompts of a domain need the embedder",
                hint="Give `embedder`, or leave out `domain`",
                field="domain",
            )
        self.domain: Domain | None = None
        self.texts: Tensor | None = None
        self.unread: Sequence[Oddity] = ()
        if embedder is not None:
            domain = find_domain(run.domain, self.manifest.generator.reference)
            self.domain = domain.readable(embedder)
            self.unread = find_unread(domain, embedder)
            with torch.no_grad():
                self.texts = embedder.embed_text(self.domain.for_fitting).float().cpu()
        self.validator: Validator | None = None
        if generator is not None and embedder is not None and self.domain is not None:
            self.validator = Validator(
                generator, embedder, self.domain, self.manifest.repeats, ranks
            )

        self.prior: Prior = new_prior(run.prior, run.settings, self.manifest, run.seed)
        self.plan: TrainingPlan = make_plan(run, self.prior, self.manifest, self.domain)
        num = self.plan.num_pairs
        self.pairs = pairs
        self.others = pairs.rows(num, len(pairs))
        self.others_labelled = self._labelled(self.others[0], num)
        self.steps_done = self.best_step = 0
        self.choice: Choice | None = None

    def train(
        self,
        log: TrainingLog | None,
        checkpoint_seconds: float,
        report: Callable[[TrainingProgress], None],
    ) -> None:
        """Fit the prior, and train it if it is trained by gradient.

        Args:
            log: None for a rank that is not the first.
        """
        by_gradient = self.prior.trains_by_gradient
        if by_gradient or self.ranks.first:
            most = max(self.plan.window, FEWEST_TO_FIT) if by_gradient else self.plan.sample
            self.prior.fit(*self._first_rows(most), self.texts)
        self.prior.to(resolve_device(self.run.device))
        self.ranks.agree(self._facts())
        if not by_gradient:
            report(TrainingProgress(0, 0, None, False))
            self.prior.eval().requires_grad_(False)
            self._read_sample()
            return
        with self._feed() as feed:
            state = run_steps(
                self.prior,
                self.plan,
                feed,
                checkpoint_path(self.out),
                ranks=self.ranks,
                seconds_between=checkpoint_seconds,
                validate=lambda average, step: self._validate(
                    average, log.strip(step) if log else None
                ),
                on_progress=report,
            )
        self.prior, self.steps_done = state.average, state.step
        self.best_step = state.best.step if state.best else state.step
        self._read_sample()
        self.prior.eval().requires_grad_(False)

    def help(self) -> None:
        """Draw for the first rank, while it finishes."""
        if self.validator is not None:
            self.validator.lead(lambda: None)

    def finish(self) -> tuple[PriorCard, str]:
        """Choose what is open, refine the prior, train the student, score the prior.

        Returns:
            its card and the verdict.
        """
        if self.validator is None:
            with self.ranks.at_leisure():
                return self._finish()
        finished = self.validator.lead(self._finish)
        assert finished is not None, "only the first rank finishes"
        return finished

    def _finish(self) -> tuple[PriorCard, str]:
        scores: dict[str, float] = {}
        embeddings, latents = self.others
        odd = [*self._unlike(), *find_oddities(self.embeddings, self.texts, self.unread)]
        self.choice = choose_settings(self.prior, self.validator, self.embeddings, self.texts, odd)
        if type(self.prior).refine is not Prior.refine:
            self._refine()
        loss = held_out_loss(self.prior, self.others_labelled, latents, self.plan.seed)
        if loss is not None:
            scores["held_out_loss"] = loss
        if self.run.student:
            student = train_student(
                self.embeddings, self.latents, seed=self.plan.seed, device=self.prior.device
            )
            if len(latents):
                scores |= student_scores(student, embeddings, latents, self.texts)
            self.prior.student = student
        domain: dict[str, Any] = {}
        if self.domain is not None:
            domain = {"name": self.domain.name, "num_prompts": len(self.domain.prompts)}
        if self.validator is not None and self.texts is not None:
            scores |= self.validator.prompt_scores(
                self.prior, self.embeddings, self.latents, self.texts
            )
            if len(latents) > 1:
                scores |= self.validator.held_out_scores(self.prior, embeddings)
            if self.validator.domain.specific:
                domain["threshold"] = round(self.validator.threshold(self.prior), 4)
        for name, value in scores.items():
            if not math.isfinite(value):
                raise BadInput(
                    f"the trained prior has a {name} of {value}",
                    hint="Use a lower `learning_rate`, or other pairs",
                    field="learning_rate",
                )
        scores = {name: round(value, 5) for name, value in scores.items()}
        usual = usual_steps(self.plan.num_pairs)
        words = verdict(
            scores,
            more_steps=0 < self.plan.steps == self.steps_done,
            usual_steps=usual if 0 < self.plan.steps < usual / 2 else None,
            oddities=odd,
            choice=self.choice,
        )
        card = PriorCard(
            kind=self.plan.kind,
            settings=dict(self.prior.settings()),
            generator=self.manifest.generator,
            embedder=self.manifest.embedder,
            repeats=self.manifest.repeats,
            training=self._training(),
            scores=scores,
            domain=domain,
            class_labels=self.manifest.class_labels,
        )
        return card, words

    def _refine(self) -> None:
        labelled = self._labelled(self.embeddings, 0)
        self.prior.refine(labelled, rng_of(self.plan.seed, "refine", 0))
        self.prior.eval().requires_grad_(False)
        if self.choice and self.validator is not None and self.texts is not None:
            self.choice = choose_again(
                self.choice, self.prior, self.validator, self.embeddings, self.texts
            )

    def _unlike(self) -> Sequence[Oddity]:
        if self.validator is None:
            return ()
        return find_unlike(self.pairs, self.validator.generator, self.validator.embedder)

    def save(self, out: Place, card: PriorCard) -> None:
        """Write the prior, read it back, and ask it once: only then is it a prior."""
        with written_by(out) as file:
            self.prior.save(file, card, half=self.run.half)
            source = Source(Reference(self.run.prior, str(out)), file, None)
            try:
                with blaming(type(self.prior), "load"):
                    reloaded = watch(type(self.prior).load(source)).to(self.prior.device)
                asked = self.embeddings[:2].to(self.prior.device)
                try_prior(self.prior, reloaded, asked, rounded=self.run.half)
            except BaseException:
                file.unlink(missing_ok=True)
                raise

    def _labelled(self, embeddings: Tensor, start: int) -> Tensor:
        """Embeddings of pairs from row ``start``, and their classes where the prior learns them."""
        if not self.prior.config.num_classes:
            return embeddings
        classes = self.pairs.classes_of(start, start + len(embeddings))
        return self.prior.labelled(embeddings, classes)

    def _feed(self) -> AbstractContextManager[Feed]:
        if self.plan.window >= self.plan.num_pairs:
            return nullcontext(WholeFeed(self._first_rows(self.plan.num_pairs), self.plan))
        return WindowFeed(self.pairs, self.plan, self._labelled)

    def _first_rows(self, most: int) -> tuple[Tensor, Tensor]:
        """Of the pairs to train on, as the prior takes them; all of them if they are no more."""
        embeddings, latents = self.pairs.rows(0, min(most, self.plan.num_pairs))
        return self._labelled(embeddings, 0), latents

    def _read_sample(self) -> None:
        """For the first rank, which finishes alone."""
        num = self.plan.sample if self.ranks.first else 0
        self.embeddings, self.latents = self.pairs.rows(0, num)

    def _facts(self) -> dict[str, str]:
        """What has to be the same for all ranks."""
        facts = {name: str(value)[:40] for name, value in self.plan.to_dict().items()}
        if not self.plan.fast:
            facts["a processor of the kind"] = kind_of(self.prior.device)
        if self.prior.trains_by_gradient:
            facts["weights"] = _digest(self.prior)
        return facts

    def _validate(self, average: Prior, pictures: Place | None) -> Validation:
        loss = held_out_loss(
            average, self.others_labelled, self.others[1], self.plan.seed, self.ranks
        )
        validator = self.validator
        if validator is None:
            return Validation(loss)

        def draw() -> float | None:
            return validator.draw_strip(average, pictures) if pictures is not None else None

        return Validation(loss, validator.lead(draw), pictures)

    def _training(self) -> dict[str, Any]:
        """How the prior was trained. No time and no date: the same run gives the same bytes."""
        from c2l.version import __version__

        training = {k: v for k, v in self.plan.to_dict().items() if k not in {"kind", "settings"}}
        if self.prior.trains_by_gradient:
            training |= {"steps_done": self.steps_done, "best_step": self.best_step}
        else:
            kept = ("pairs", "num_pairs", "num_held_out", "prompts", "seed", "sample")
            training = {k: training[k] for k in kept}
        if self.choice is not None:
            training["choice"] = self.choice.to_dict()
        package = registry().package(self.run.prior)
        if file_of_package(package) is not None:
            training["plugin"] = package
        training["half"] = self.run.half
        training["first_seed"] = self.manifest.first_seed
        training["versions"] = {"c2l": __version__, "torch": torch.__version__}
        return training


def _digest(prior: Prior) -> str:
    """Of all its numbers."""
    digest = hashlib.sha256()
    for tensor in prior.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:12]
