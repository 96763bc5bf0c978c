"""Write ``cards/openclip.toml`` from what the installed open_clip lists.

Run it after raising the version of open_clip:

    python -m c2l_openclip.update_cards            # writes the file
    python -m c2l_openclip.update_cards --check    # exit code 1 if it would change
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CARDS = Path(__file__).parent / "cards" / "openclip.toml"
# Where a licence has not been looked up, the card sends the reader to the page of the weights.
SEE_PAGE = "see its page"

# (beginning of the tag, part of the architecture) -> family; the first that fits.
_FAMILIES = (
    ("openai", "", "OpenAI CLIP"),
    ("metaclip2", "", "MetaCLIP 2 (multilingual)"),
    ("metaclip", "", "MetaCLIP"),
    ("dfn", "MobileCLIP2", "MobileCLIP 2"),
    ("dfn", "", "DFN CLIP"),
    ("datacompdr", "", "MobileCLIP"),
    ("", "SigLIP2", "SigLIP 2"),
    ("", "nllb", "NLLB CLIP (multilingual)"),
    ("", "SigLIP-i18n", "SigLIP (multilingual)"),
    ("", "SigLIP", "SigLIP"),
    ("", "CLIPA", "CLIPA"),
    ("", "EVA", "EVA CLIP"),
    ("", "ViTamin", "ViTamin"),
    ("", "PE-Core", "Perception Encoder"),
    ("", "coca", "CoCa"),
    ("", "xlm-roberta", "LAION CLIP (multilingual)"),
    ("datacomp", "", "DataComp CLIP"),
    ("commonpool", "", "CommonPool CLIP"),
    ("yfcc15m", "", "YFCC CLIP"),
    ("cc12m", "", "CC12M CLIP"),
    ("laion", "", "LAION CLIP"),
    ("frozen_laion", "", "LAION CLIP"),
    ("mscoco", "", "CoCa"),
)
# Looked up: openai/CLIP's LICENSE; open_clip's issue 177 for the weights that open_clip and LAION
# trained; Apple's page for DFN; facebookresearch/MetaCLIP's LICENSE.
_LICENCES = {
    "OpenAI CLIP": "MIT",
    "MetaCLIP": "CC-BY-NC-4.0",
    "DFN CLIP": "apple-amlr",
    "CoCa": "MIT",
    "LAION CLIP": "MIT",
    "LAION CLIP (multilingual)": "MIT",
    "DataComp CLIP": "MIT",
    "CommonPool CLIP": "MIT",
    "YFCC CLIP": "MIT",
    "CC12M CLIP": "MIT",
}
_NOTES = {
    "OpenAI CLIP": "OpenAI's model card calls deployed uses out of scope.",
    "MetaCLIP": "Not for commercial use.",
    "DFN CLIP": "For research, under Apple's terms.",
}


def family(arch: str, tag: str) -> str:
    """What a model is called in the literature.

    Raises:
        LookupError: a family that this script does not know yet; add it above.
    """
    for beginning, part, name in _FAMILIES:
        if tag.startswith(beginning) and part in arch:
            return name
    raise LookupError(f"add the family of {arch}/{tag} to _FAMILIES")


def card(arch: str, tag: str, config: Mapping[str, Any], listed: Mapping[str, Any]) -> str:
    """One ``[[model]]`` table."""
    name = family(arch, tag)
    text = config["text_cfg"]
    size = config["vision_cfg"].get("image_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    pixels = f"{height} px" if height == width else f"{height} x {width} px"
    needs = ["transformers"] if text.get("hf_tokenizer_name") else []
    repository = str(listed.get("hf_hub") or "").rsplit("/", 1)[0]
    page = f"https://huggingface.co/{repository}" if repository else str(listed.get("url") or "")
    notes = " ".join(
        [*(f"Needs the package {n}." for n in needs), *([_NOTES[name]] if name in _NOTES else [])]
    )
    rows = {
        "reference": f"openclip:{arch}/{tag}",
        "summary": f"{name}, {arch}: {pixels}, {config['embed_dim']} wide, "
        f"{text.get('context_length', 77)} tokens",
        "licence": _LICENCES.get(name, SEE_PAGE),
        "licence_url": page,
        "resolution": height,
        "source": "open_clip.list_pretrained()",
        "notes": notes,
    }
    # A JSON string or number is a TOML one too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in rows.items() if value != ""]
    return "\n".join(["[[model]]", *lines])


def render() -> str:
    """The whole file."""
    import open_clip

    tables = [
        card(arch, tag, open_clip.get_model_config(arch), open_clip.get_pretrained_cfg(arch, tag))
        for arch, tag in sorted(open_clip.list_pretrained())
    ]
    head = "# Written by: python -m c2l_openclip.update_cards"
    return "\n\n".join([head, *tables]) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` say whether it is up to date."""
    rendered = render()
    if "--check" in arguments:
        same = CARDS.is_file() and CARDS.read_text(encoding="utf-8") == rendered
        print("up to date" if same else f"{CARDS} is out of date", file=sys.stderr)
        return 0 if same else 1
    CARDS.parent.mkdir(exist_ok=True)
    CARDS.write_text(rendered, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
