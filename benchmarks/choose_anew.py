"""Choose anew, by the rule of today, the bridges of priors that ``resistance.py`` has trained.

    python benchmarks/choose_anew.py --work DIR --world digits-fixed

Their networks stay as they are, so that a change of the rule takes a minute of one core where
training takes twenty. What was measured of the priors themselves is forgotten, and made again by
``resistance.py``; what was measured of fixed bridges stays, where they are tried again.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch
from resistance import AUTO, ONESTEP, TRIED, Bench, pairs_of, words
from worlds import WORLDS, World, open_world

import c2l
from c2l.prompts.domains import find_domain
from c2l.training.choosing import Choice, choose_again, choose_settings
from c2l.training.oddities import find_oddities, find_unread
from c2l.training.plan import held_out
from c2l.training.validation import Validator

DISTILLED = "distilled"
"""Of ``onestep``: whether one call draws, which is not so at first."""


def choose(bench: Bench, world: World, row: str) -> Choice:
    """Choose for the prior of a row, and write it to its file."""
    file = bench.file(row)
    old = c2l.load_prior(str(file.resolve()))
    assert old.card is not None
    pairs = pairs_of(bench, world)
    num = len(pairs) - held_out(len(pairs))
    embeddings, latents = pairs.rows(0, num)
    listed = find_domain(world.domain_file(bench.folder), "")
    domain = listed.readable(world.embedder)
    with torch.no_grad():
        texts = world.embedder.embed_text(domain.for_fitting).float()
    prior = _open(old, len(pairs))
    prior.fit(embeddings, latents, texts)
    network = {k: v for k, v in old.state_dict().items() if k in _trained(old)}
    prior.load_state_dict({k: v for k, v in network.items() if k != DISTILLED}, strict=False)
    prior.eval().requires_grad_(False)
    validator = Validator(world.generator, world.embedder, domain, pairs.manifest.repeats)
    odd = find_oddities(embeddings, texts, find_unread(listed, world.embedder))
    choice = choose_settings(prior, validator, embeddings, texts, odd)
    assert choice is not None, "its bridge is open"
    if DISTILLED in network:
        prior.load_state_dict({DISTILLED: network[DISTILLED]}, strict=False)
        choice = choose_again(choice, prior, validator, embeddings, texts)
    training = {**old.card.training, "choice": choice.to_dict()}
    card = dataclasses.replace(old.card, settings=dict(prior.settings()), training=training)
    prior.save(file, card)
    bench.forget(row)
    if row == AUTO:
        still = {TRIED + words(trial.settings) for trial in choice.trials}
        for label in bench.measured():
            if label.startswith(TRIED) and label not in still:
                bench.forget(label)
    return choice


def _open(old: c2l.Prior, num_pairs: int) -> c2l.Prior:
    """An untrained prior like it, whose bridge is open as ``c2l train`` leaves it."""
    widths = {n: getattr(old.config, n) for n in ("embedding_width", "num_codes", "latent_width")}
    return type(old)(**widths, **type(old).suggest_settings(num_pairs, **widths))


def _trained(prior: c2l.Prior) -> set[str]:
    """What training has made of it: all but the bridge and stored latents."""
    names = prior.state_dict().keys()
    return {n for n in names if not n.startswith("gap.") and n != "stored_latents"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="that of resistance.py")
    parser.add_argument("--world", choices=WORLDS, action="append", help="only this one")
    parser.add_argument("--row", choices=(AUTO, ONESTEP), action="append", help="only this one")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.world or WORLDS:
        bench = Bench(name, options.work)
        rows = [row for row in options.row or (AUTO, ONESTEP) if bench.file(row).exists()]
        world = open_world(name, options.work) if rows else None
        for row in rows:
            assert world is not None
            choice = choose(bench, world, row)
            print(f"{name}: {row}: {words(choice.settings)}; {choice}", flush=True)


if __name__ == "__main__":
    main()
