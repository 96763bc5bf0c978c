"""How far a prompt for what is rare can get by its embedding, whatever prior asks with it.

    python benchmarks/rare_limits.py --work DIR

Of one pool of random pictures, three pick those that suit a prompt: the judge, who knows what each
shows; a reader, who was taught by the judge what each of an embedder's pictures shows and sees
embeddings alone; and the prompt's own embedding, as neighbours are found. What the judge has and
the reader lacks is lost by the embedder's eye, what the reader has and the prompt lacks by its ear.
DIR is that of ``resistance.py``; the pool is kept there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from rare import SETS, WORLDS
from resistance import Bench, percent
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, normalize
from worlds import World, open_world
from worlds.measure import render
from worlds.options import world_parser

from c2l import Question
from c2l.adam import AdamW

FIRST_SEED = 6_000_000_000
"""Far from the seeds of any pairs."""
SIZES = (4_096, 16_384)
NUM_TAUGHT = 8_192
"""Pictures besides, on which the reader learns."""
PICKED = (1, 16)
AT_ONCE = 512
WEIGHED = {
    "the same, what varies little in pictures counting more": -1.0,
    "the same, what varies much in pictures counting more": 1.0,
}
"""Other ways to read a prompt's embedding, and the power of variances that they weigh by."""
STEPS, BATCH, HIDDEN = 1_500, 256, 256

Shown = Mapping[str, Tensor]


def pool_of(world: World, file: Path) -> tuple[Tensor, Shown]:
    """Embeddings of random pictures (N, E), unit length, and what the judge sees of each, (N,)."""
    if not file.exists():
        found: list[dict[str, Tensor]] = []
        last = FIRST_SEED + max(SIZES) + NUM_TAUGHT
        for start in range(FIRST_SEED, last, AT_ONCE):
            latents = world.generator.sample_latents(range(start, min(start + AT_ONCE, last)))
            images = render(world, latents)
            with torch.no_grad():
                seen = world.embedder.embed_images(images).float().cpu()
            found.append({"": normalize(seen, dim=1), **world.judge(images)})
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: torch.cat([part[name] for part in found]) for name in found[0]}, file)
    shown = load_file(file)
    return shown.pop(""), shown


class Reader(nn.Module):
    """Tells from an embedding which value each attribute has."""

    def __init__(self, embeddings: Tensor, shown: Shown) -> None:
        super().__init__()
        self.shift, self.scale = embeddings.mean(0), embeddings.std(0)
        self.values = {name: int(seen.max()) + 1 for name, seen in shown.items()}
        self.body = nn.Sequential(nn.Linear(embeddings.shape[1], HIDDEN), nn.GELU(), nn.Dropout())
        self.heads = nn.ModuleDict({name: nn.Linear(HIDDEN, n) for name, n in self.values.items()})

    def forward(self, embeddings: Tensor) -> dict[str, Tensor]:
        """Logarithms of probabilities, (B, values) of each attribute."""
        hidden = self.body((embeddings - self.shift) / self.scale)
        return {name: log_softmax(head(hidden), dim=1) for name, head in self.heads.items()}


def taught(embeddings: Tensor, shown: Shown) -> Reader:
    """A reader who has learnt on some pictures."""
    torch.manual_seed(0)
    reader = Reader(embeddings, shown)
    optimiser = AdamW(reader.parameters(), lr=2e-3, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(embeddings), (BATCH,))
        told = reader(embeddings[rows])
        loss = torch.stack([cross_entropy(told[k], v[rows]) for k, v in shown.items()]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        plan.step()
    return reader.eval()


def suiting(
    world: World, questions: Sequence[Question], embeddings: Tensor, shown: Shown, reader: Reader
) -> Iterator[tuple[str, Tensor]]:
    """Who picks, and how well each of N pictures suits each prompt in their eyes, (P, N)."""
    yield (
        "judge",
        torch.stack([right(question, shown).float().mean(0) for question in questions]),
    )
    with torch.no_grad():
        told = reader(embeddings)
        sums = [sum(told[k][:, v] for k, v in question.named.items()) for question in questions]
        yield "reader", torch.stack([torch.as_tensor(each) for each in sums])
        texts = world.embedder.embed_text([question.prompt for question in questions])
        usual = world.embedder.embed_text(list(world.domain))
    asked = normalize(texts.float(), dim=1) - normalize(usual.float(), dim=1).mean(0)
    seen = embeddings - embeddings.mean(0)
    yield "the prompt's embedding", asked @ normalize(seen, dim=1).T
    variances, directions = torch.linalg.eigh(seen.T @ seen / len(seen))
    for label, power in WEIGHED.items():
        weights = (variances.clamp_min(0) + variances.mean()) ** power
        yield label, asked @ (directions * weights) @ directions.T @ seen.T


def right(question: Question, shown: Shown) -> Tensor:
    """Which of the things that a prompt names each of N pictures shows, (things, N)."""
    return torch.stack([shown[name] == value for name, value in question.named.items()])


def read_right(reader: Reader, embeddings: Tensor, shown: Shown) -> dict[str, float]:
    """Of pictures it was not taught on: the share of each attribute that the reader gets right."""
    with torch.no_grad():
        told = reader(embeddings)
    return {k: float((told[k].argmax(1) == v).float().mean()) for k, v in shown.items()}


def table(name: str, work: Path) -> None:
    """Measure and print one world."""
    world = open_world(name, work)
    embeddings, shown = pool_of(world, Bench(name, work).folder / "pool.safetensors")
    own, others = slice(NUM_TAUGHT), slice(NUM_TAUGHT, None)
    reader = taught(embeddings[own], {k: v[own] for k, v in shown.items()})
    print(f"\n## {name}\n")
    heads = [
        f"{picked} of {size:,}, %"
        for size in SIZES
        for picked in ("the first" if n == 1 else f"the first {n}" for n in PICKED)
    ]
    print(f"| prompts | picked by | {' | '.join(heads)} |")
    print("| --- " * (len(heads) + 2) + "|")
    pool, seen = embeddings[others], {k: v[others] for k, v in shown.items()}
    for label, choose in SETS.items():
        questions = choose(world)
        marks = torch.stack([right(q, seen).float().mean(0) for q in questions])
        for who, scores in suiting(world, questions, pool, seen, reader):
            cells = []
            for size in SIZES:
                best = scores[:, :size].topk(max(PICKED), dim=1).indices
                shares = marks.gather(1, best)
                cells += [percent(shares[:, :num].mean(1).tolist()) for num in PICKED]
            print(f"| {label} | {who} | {' | '.join(cells)} |", flush=True)
    told = read_right(reader, pool, seen)
    usual = {k: float(v.bincount().max() / len(v)) for k, v in seen.items()}
    print("\nWhat the reader gets right of all pictures of the pool, and how often the most usual")
    print(f"value is right, in %:\n\n| | {' | '.join(told)} |")
    print("| --- " * (len(told) + 1) + "|")
    for what, rates in (("reader", told), ("most usual", usual)):
        print(f"| {what} | {' | '.join(f'{100 * rate:.0f}' for rate in rates.values())} |")


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    for name in options.world or WORLDS:
        table(name, options.work)


if __name__ == "__main__":
    main()
