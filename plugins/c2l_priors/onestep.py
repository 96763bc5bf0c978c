"""Rectified flow, distilled into one step once it is trained (after Luhman & Luhman 2021).

The flow learns as ever. Then a copy of its network learns where the deterministic walk from pure
noise x_1 ends, under a prompt, and gives the answer in one call (Luhman & Luhman, arXiv
2101.02388). Since it begins as the flow and the flow no longer moves, that takes a fraction of the
training; ``benchmarks/onestep.md`` has what is left of the flow. To learn both in one network at
once costs either of them some of what prompts name.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from c2l import Near
from c2l.ranges import Guidance, Steps
from c2l_priors.classes import taught
from c2l_priors.flow import Asked, FlowPrior, Guided, Numbers
from c2l_priors.network import Condition, ModulatedMLP, PromptEncoder

FLOW = {name: FlowPrior.Settings.model_fields[name].default for name in ("steps", "guidance")}
"""Of what is drawn until it is distilled: its bridge has to suit the flow as well."""

WALK_STEPS = 4
WALK_GUIDANCE = 1.5
WALK_GUIDED = (0.2, 0.8)
"""Of the walk that the jump learns from. Straight lines bend little: 4 do nearly as well as 32. But
they lack the fresh noise of the flow's own steps, which asks again what is between two answers.
Guidance makes up for it: in three worlds such a walk shows what prompts name within 1.1 points of
the flow (without, up to 4.2 less), and is at least as varied."""

FEWEST_BATCHES, MOST_BATCHES = 200, 1500
PAIRS_FOR_A_BATCH = 8
"""How many batches the jump learns from: one for so many pairs, within bounds."""
BATCH = 256
LEARNING_RATE = 1e-3
WARMUP = 50

SECOND_LOOK = 0.5
"""The time to which noise takes a jump's answer back, where a second call looks at it again."""


class OneStepPrior(FlowPrior):
    """Rectified flow distilled into one call of a network.

    A second step, or guidance above 1, looks at the first one's answer again; more steps are the
    flow's own.
    """

    class Settings(FlowPrior.Settings):
        """As those of ``FlowPrior``, but one step is the default, whose guidance is built in."""

        guidance: Guidance = 1.0
        steps: Steps = 1

    config: Settings
    distilled: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config = self.config
        rows = ModulatedMLP.num_modulations(config.num_blocks)
        self.jump_prompt = PromptEncoder(
            config.embedding_width, config.hidden, rows, config.num_classes
        )
        self.jump_enter = nn.Linear(self.latent_size, config.hidden)
        self.jump_network = ModulatedMLP(config.hidden, self.latent_size, config.num_blocks)
        self.jump_modulation = nn.Parameter(torch.zeros(rows, config.hidden))
        self.register_buffer("distilled", torch.zeros((), dtype=torch.bool))

    def refine(self, embeddings: Tensor, rng: torch.Generator) -> None:
        self._begin_as_the_flow()
        weights = [p for name, p in self.named_parameters() if name.startswith("jump_")]
        for weight in weights:
            weight.requires_grad_(True)
        optimiser = torch.optim.Adam(weights, betas=(0.9, 0.99))
        num = max(FEWEST_BATCHES, min(MOST_BATCHES, len(embeddings) // PAIRS_FOR_A_BATCH))
        for step in range(num):
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * min(1, (step + 1) / WARMUP) * (1 - step / num)
            loss = self._distance(embeddings, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        for weight in weights:
            weight.requires_grad_(False).grad = None
        self.distilled.fill_(True)

    @torch.no_grad()
    def _begin_as_the_flow(self) -> None:
        """What the flow's network does at t = 1 is the jump's first guess."""
        for name in ("prompt", "enter", "network"):
            weights = self.get_submodule(name).state_dict()
            self.get_submodule(f"jump_{name}").load_state_dict(weights)
        self.jump_modulation.copy_(self.time(self.jump_modulation.new_ones(1))[0])

    def _distance(self, embeddings: Tensor, rng: torch.Generator) -> Tensor:
        """How far jumps under some of the embeddings (N, E) land from where walks end."""
        rows = torch.randint(len(embeddings), (BATCH,), generator=rng)
        noise = torch.randn(BATCH, self.latent_size, generator=rng).to(self.device)
        shown = (torch.rand(BATCH, generator=rng) >= self.config.drop).to(self.device)
        shown_of_rows, told = taught(self, embeddings[rows], rng)
        seen = self.bridge.show(shown_of_rows, rng)
        with torch.no_grad():
            goal = self._straight_walk(noise, self.prompt(*seen, shown, told))
        return (self._jump(noise, self.jump_prompt(*seen, shown, told)) - goal).square().mean()

    def _straight_walk(self, x: Tensor, condition: Condition) -> Tensor:
        """From noise to standardised latents, without fresh noise: a function of the noise."""
        plain = Guided(condition, None, 1)
        # Who never saw hidden embeddings cannot be guided away from none.
        led = plain
        if self.config.drop:
            led = Guided(condition, self.prompt.no_prompt(len(x)), WALK_GUIDANCE)
        times = torch.linspace(1.0, 0.0, WALK_STEPS + 1, device=x.device)
        modulations = self.time(times[:-1])
        for step, (now, after) in enumerate(itertools.pairwise(times.tolist())):
            prompt = led if WALK_GUIDED[0] <= now <= WALK_GUIDED[1] else plain
            x = torch.lerp(self._guided(x, now, modulations[step], prompt), x, after / now)
        return x

    def _draw_near(self, near: Near, asked: Asked, steps: int, normal: Numbers) -> Tensor:
        # The jump begins at pure noise.
        return super()._draw_near(near, asked, max(steps, WALK_STEPS), normal)

    def _usual(self) -> FlowPrior.Settings:
        return self.config if self.distilled else self.config.model_copy(update=FLOW)

    def _draw(self, asked: Asked, steps: int, normal: Numbers) -> Tensor:
        if steps > 2 or not self.distilled:
            return super()._draw(asked, steps, normal)
        # Of pure noise nothing is decided yet, and more guidance would only overshoot: it takes a
        # second look.
        first = asked._replace(guidance=min(asked.guidance, 1))
        x = self._guided_jump(normal(self.latent_size), self._prompt(self.jump_prompt, first))
        if steps == 1 and asked.guidance <= 1:
            return x
        x = torch.lerp(x, normal(self.latent_size), SECOND_LOOK)
        modulation = self.time(x.new_full((1,), SECOND_LOOK))[0]
        return self._guided(x, SECOND_LOOK, modulation, self._prompt(self.prompt, asked))

    def _guided_jump(self, noise: Tensor, prompt: Guided) -> Tensor:
        if prompt.against is None:
            return self._jump(noise, prompt.condition)
        both = self._jump(torch.cat([noise, noise]), prompt.condition.and_then(prompt.against))
        num = len(noise)
        return torch.lerp(both[num:], both[:num], prompt.guidance)

    def _jump(self, noise: Tensor, condition: Condition) -> Tensor:
        """From noise to standardised latents (B, K * D) in one call, as ``predict`` at t = 1."""
        start = self.jump_enter(noise) + condition.start
        out: Tensor = self.jump_network(start, condition.modulation + self.jump_modulation)
        return out
