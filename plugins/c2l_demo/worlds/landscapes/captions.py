"""The grammar of the landscapes world: what people type about such pictures.

Phrases are data: `PHRASES` maps a meaning (one or more attribute values) to phrases by role.  A
caption picks some of the visible attributes and covers them with phrases that hold, so the words
never say anything that the picture does not show, and what they name is known exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from c2l_demo.worlds.landscapes.attributes import VALUES, visible
from c2l_demo.worlds.world import Scene

UNNAMED = {("celestial", 0), ("palms", 0), ("rainbow", 0)}  # nobody writes "no rainbow"
CHANCE = {"place": 0.7, "clouds": 0.35}  # of being named; 0.55 for the others

PREFIXES = (
    "", "", "", "", "", "", "a photo of ", "a photo of ", "a photograph of ", "a picture of ",
    "photo of ", "picture of ", "a painting of ", "painting of ", "a drawing of ", "drawing of ",
    "an illustration of ", "illustration of ", "an image of ", "image of ", "a landscape of ",
    "landscape with ", "a view of ", "view of ", "a poster of ", "a beautiful picture of ",
)  # fmt: skip

# Roles: "noun" what the picture shows (a leading ~ marks a countable singular, which may take an
# article), "adj" before the noun, "tail" after it, "over" a lead that ends in a preposition.
ROLES = ("noun", "adj", "tail", "over")
GENERIC = ("~landscape", "~landscape", "scenery", "~scene", "~scene", "nature", "~scenic landscape")

# meaning: noun / adj / tail / over, phrases separated by commas (a repeated one is likelier)
PHRASES: dict[str, tuple[str, str, str, str]] = {
    "place=beach": (
        "~beach, ~beach, ~beach, ~sandy beach, ~seaside, ~seashore, ~sea coast, ~coast, "
        "~shore, ~sea, ~ocean, ~sand beach, beaches, ~ocean shore, ~coastline, ~bay, ~sea "
        "shore, ocean waves",
        "",
        "by the sea, on the beach, at the seaside, at the beach, by the ocean",
        "",
    ),
    "place=mountains": (
        "mountains, mountains, ~mountain, ~mountain, peaks, alps, ~summit, ~mountain range, "
        "mountain peaks, ~mountain landscape, rocky mountains, ~mountain top, high mountains, "
        "~rocky peak, ~alpine landscape",
        "alpine",
        "in the mountains, in the alps, with mountains, with a mountain",
        "",
    ),
    "place=forest": (
        "~forest, ~forest, ~forest, woods, ~woodland, trees, ~pine forest, fir trees, pines, "
        "~path in the woods, ~forest path, pine trees, ~wood, ~fir forest",
        "",
        "in the forest, in the woods, with trees, among the trees, through the woods",
        "",
    ),
    "place=desert": (
        "~desert, ~desert, ~desert, dunes, sand dunes, desert dunes, sahara, ~arid landscape, "
        "~arid desert, ~dry desert, ~sandy desert, ~cactus, ~sahara desert, ~dune",
        "arid",
        "in the desert, in the sahara, in the dunes, with sand dunes, with a cactus",
        "",
    ),
    "place=city": (
        "~city, ~city, ~city, ~town, ~downtown, ~skyline, ~city skyline, skyscrapers, "
        "buildings, ~metropolis, ~cityscape, towers, ~urban landscape, tall buildings, "
        "houses, ~urban skyline, ~street, office buildings",
        "urban",
        "in the city, in the town, with skyscrapers, with tall buildings, downtown",
        "",
    ),
    "place=lake": (
        "~lake, ~lake, ~lake, ~pond, ~lakeside, ~lake shore, ~calm lake, ~jetty, ~pier, ~lake "
        "with a jetty, ~still lake, reflections in the water, ~boardwalk, lakes",
        "",
        "by the lake, at the lake, by the water, on the lake, with a lake",
        "",
    ),
    "place=hills": (
        "~hill, hills, hills, rolling hills, ~meadow, meadows, ~grassland, fields, "
        "~countryside, ~pasture, ~field, ~farmland, ~cottage in the hills, ~hillside, ~rural "
        "landscape, ~house on a hill",
        "rural",
        "in the hills, in the countryside, in the fields, with rolling hills",
        "",
    ),
    "place=hills season=summer": (
        "~green hill, green hills, green fields, ~green meadow, ~green pasture, ~grass hill, "
        "grass",
        "",
        "",
        "",
    ),
    "place=desert palms=yes": (
        "~oasis, ~oasis, ~oasis in the desert, ~desert oasis",
        "",
        "",
        "",
    ),
    "place=forest palms=yes": (
        "~jungle, ~tropical forest, ~rainforest",
        "",
        "",
        "",
    ),
    "place=beach palms=yes": (
        "~tropical beach, ~tropical beach, ~palm beach, ~tropical island, ~palm fringed "
        "beach, ~tropical sea",
        "",
        "",
        "",
    ),
    "place=mountains season=winter": (
        "snowy peaks, snowy mountains, ~ski resort",
        "",
        "",
        "",
    ),
    "place=forest season=autumn": (
        "autumn woods, autumn trees, fall foliage, ~orange forest",
        "",
        "",
        "",
    ),
    "place=lake season=winter": (
        "~snowy lake, ~icy lake, ~lake in the snow",
        "",
        "",
        "",
    ),
    "place=city time=night": (
        "city lights, ~city at night, lights of the city",
        "",
        "",
        "",
    ),
    "place=beach time=storm": (
        "~stormy sea, ~stormy sea coast, ~stormy ocean",
        "",
        "",
        "",
    ),
    "time=noon": (
        "~blue sky, ~bright day",
        "bright, daytime, daylight, midday",
        "at noon, at midday, at day, during the day, by day, in daylight, in the daytime, "
        "under a blue sky, with a blue sky, on a bright day, in broad daylight, under the "
        "blue sky",
        "blue sky over, a bright day in, blue sky above",
    ),
    "time=noon celestial=sun": (
        "~sunny day, sunshine",
        "sunny, sunny, sunlit",
        "on a sunny day, in the sunshine, under the midday sun, in bright sunshine, in the "
        "sun, under the bright sun, on a bright sunny day, in full sun",
        "midday sun over, bright sun above, sunny day in, a sunny day at, the sun shining "
        "over",
    ),
    "time=noon clouds=no": (
        "~clear blue sky",
        "",
        "under a clear blue sky, on a clear day",
        "",
    ),
    "time=noon clouds=yes": (
        "",
        "",
        "with white clouds in a blue sky, under a blue sky with small clouds",
        "white clouds over",
    ),
    "time=sunset": (
        "~sunset, ~sunset, ~sundown, dusk, twilight, ~sunrise, ~red sky, ~evening",
        "evening, sunset",
        "at sunset, at sunset, at dusk, in the evening, at twilight, at the golden hour, at "
        "sundown, at dawn, at sunrise, during sunset, with an orange sky, under a red sky, in "
        "the evening light, after sunset, golden hour, with a purple sky",
        "sunset over, sunset over, sunset in, dusk over, evening at, sunrise over, dawn over, "
        "twilight over, orange sky over",
    ),
    "time=sunset celestial=sun": (
        "~setting sun, ~setting sun, ~rising sun",
        "",
        "with the setting sun, under a setting sun, with the sun setting, in the light of the "
        "setting sun, at sunset with a big sun",
        "sun setting over, the sun is setting over, the setting sun over, the sun sets over, "
        "sun going down over, sun rising over, a big setting sun above",
    ),
    "time=night": (
        "~night, ~night sky, ~starry sky, ~starry night, stars, midnight",
        "dark, nocturnal, night, nighttime, starry",
        "at night, at night, at night, at midnight, under the stars, by night, with a starry "
        "sky, in the dark, under a dark sky, with stars, in a starry night, during the night, "
        "under a night sky",
        "night over, a starry sky over, stars over, starry night over, night in, midnight at, "
        "night sky above",
    ),
    "time=night celestial=moon": (
        "~moonlit night, ~moonlit landscape, ~night with a full moon",
        "moonlit, moonlit",
        "in the moonlight, by moonlight, under a full moon at night, in a moonlit night, at "
        "night with a full moon, on a moonlit night",
        "night with a moon over, moonlit night over",
    ),
    "time=storm": (
        "~storm, ~thunderstorm, rain, lightning, ~tempest, bad weather, ~rainstorm, ~thunder "
        "storm",
        "stormy, stormy, rainy, wet, gloomy",
        "in a storm, in the rain, in the rain, with lightning, during a thunderstorm, in bad "
        "weather, on a rainy day, with a lightning bolt, in a thunderstorm, under a stormy "
        "sky, in stormy weather, in a tempest, under a grey sky, during a storm",
        "storm over, thunderstorm over, lightning over, rain over, a stormy day at, lightning "
        "strikes over, tempest over, rain falling on, lightning above",
    ),
    "time=storm clouds=yes": (
        "storm clouds, dark clouds, ~storm cloud",
        "overcast",
        "with dark clouds, under storm clouds, with dark storm clouds, with heavy grey "
        "clouds, under an overcast sky",
        "overcast sky over, dark clouds over, storm clouds over, storm clouds gathering over",
    ),
    "season=summer": (
        "~summer landscape, greenery, ~green landscape",
        "green, green, lush, summer, lush green, leafy, summery",
        "in summer, in summer, in the summer, with green grass, in summertime, with green "
        "trees, with lush greenery",
        "summer in, summer at, green summer in",
    ),
    "season=autumn": (
        "~autumn landscape, autumn, fall, orange leaves, fall colors",
        "autumn, autumn, autumnal, fall, orange, golden",
        "in autumn, in autumn, in the fall, in fall, with orange leaves, with golden leaves, "
        "with red leaves, with autumn leaves, with autumn colors, with orange trees, with "
        "fall foliage",
        "autumn in, autumn at, fall in, autumn colors in",
    ),
    "season=winter": (
        "snow, winter, ~winter landscape, ~snowy landscape, ~snow covered landscape",
        "snowy, snowy, winter, wintry, snow covered, frozen, white, icy, frosty",
        "in winter, in winter, in the snow, covered in snow, with snow, under the snow, in "
        "the winter, covered with snow, under a blanket of snow, with snow on the ground, "
        "with white snow",
        "winter in, winter at, snow on, snow in, snow covering",
    ),
    "celestial=sun": (
        "~sun, ~big sun, ~yellow sun",
        "",
        "with the sun, with a big sun, with the sun in the sky, under the sun, with a large "
        "sun, with a sun",
        "sun over, the sun over, sun above, a big sun over, a sun above",
    ),
    "celestial=moon": (
        "~moon, ~full moon, ~full moon, moonlight",
        "",
        "with a full moon, with a full moon, with the moon, under the moon, under a full "
        "moon, with a big moon, with the moon in the sky, with a bright moon, with a moon",
        "moon over, full moon over, full moon above, the moon over, a big moon over, "
        "moonlight on, moonrise over",
    ),
    "palms=yes": (
        "palm trees, palms, ~palm tree, coconut trees, coconut palms, ~tropical landscape",
        "tropical, tropical, exotic",
        "with palm trees, with palm trees, with palms, with a palm tree, with coconut trees, "
        "and palm trees, behind palm trees, with two palm trees, framed by palm trees",
        "palm trees at, palm trees in front of, palms by, palms in front of, palm trees near",
    ),
    "clouds=yes": (
        "clouds, ~cloudy sky",
        "cloudy, cloudy",
        "with clouds, with clouds, under a cloudy sky, with a cloudy sky, under clouds, with "
        "clouds in the sky, with some clouds, on a cloudy day",
        "clouds over, clouds above, cloudy sky over",
    ),
    "clouds=no": (
        "~clear sky, ~cloudless sky",
        "cloudless",
        "under a clear sky, with a clear sky, under a cloudless sky, without clouds, with no "
        "clouds",
        "clear sky over, cloudless sky over",
    ),
    "rainbow=yes": (
        "~rainbow, ~rainbow, ~colorful rainbow",
        "",
        "with a rainbow, with a rainbow, under a rainbow, and a rainbow, with a rainbow in "
        "the sky, with a colorful rainbow",
        "rainbow over, rainbow over, a rainbow above, a colorful rainbow over, rainbow in the "
        "sky over",
    ),
    "time=storm rainbow=yes": (
        "",
        "",
        "with rain and a rainbow",
        "rain and a rainbow over",
    ),
}  # fmt: skip


class Phrase:
    """Words, their role, and the attribute values they name."""

    def __init__(self, words: str, role: str, meaning: str) -> None:
        self.words, self.role = words, role
        pairs = (part.split("=") for part in meaning.split())
        self.names = {name: VALUES[name].index(value) for name, value in pairs}

    def holds(self, shown: dict[str, int]) -> bool:
        """Whether a picture shows everything that the phrase names."""
        return all(shown.get(name) == value for name, value in self.names.items())


@lru_cache(maxsize=1)
def phrases() -> tuple[Phrase, ...]:
    """Every phrase of the table."""

    def rows() -> Iterator[Phrase]:
        for meaning, cells in PHRASES.items():
            for role, cell in zip(ROLES, cells, strict=True):
                for words in cell.split(","):
                    if words.strip():
                        yield Phrase(words.strip(), role, meaning)

    return tuple(rows())


def pick(pool: list[Phrase], rng: np.random.Generator) -> Phrase:
    """Choose a phrase of a pool at random."""
    return pool[int(rng.integers(len(pool)))]


def with_article(words: str, noun: str, rng: np.random.Generator) -> str:
    """The noun phrase, sometimes with an article when the noun takes one."""
    full = f"{words} {noun.lstrip('~')}".strip()
    draw = rng.random()
    if not noun.startswith("~"):
        return f"the {full}" if draw < 0.1 else full
    if draw < 0.3:
        return full
    if draw < 0.42:
        return f"the {full}"
    return f"{'an' if full[0] in 'aeiou' else 'a'} {full}"


def wanted(shown: dict[str, int], rng: np.random.Generator) -> list[str]:
    """A random choice, in random order, of the attributes to name: at least one."""
    able = [n for n, v in shown.items() if (n, v) not in UNNAMED]
    chosen = [n for n in able if rng.random() < CHANCE.get(n, 0.55)]
    chosen = chosen or [able[int(rng.integers(len(able)))]]
    return [chosen[int(i)] for i in rng.permutation(len(chosen))][:5]


def caption(scene: Scene, rng: np.random.Generator) -> tuple[str, dict[str, int]]:
    """A caption for the picture of a scene, and the visible attributes that its words name."""
    shown = visible(scene)
    named: dict[str, int] = {}
    parts: dict[str, list[str]] = {role: [] for role in ROLES}
    todo = wanted(shown, rng)

    def say(name: str, roles: set[str]) -> bool:
        pool = [p for p in phrases() if p.role in roles and name in p.names and p.holds(shown)]
        pool = [p for p in pool if not p.names.keys() & named.keys()]
        if pool:
            phrase = pick(pool, rng)
            parts[phrase.role].append(phrase.words)
            named.update(phrase.names)
        return bool(pool)

    draw = rng.random()
    if "place" in todo and (draw < 0.85 or len(todo) == 1):
        say("place", {"noun"})
    elif draw < 0.6:
        say(todo[0], {"noun"})
    if not parts["noun"]:
        parts["noun"].append(GENERIC[int(rng.integers(len(GENERIC)))])
    for name in todo:
        if name in named:
            continue
        roles = {"tail"} if len(parts["tail"]) < 3 else set()
        if len(parts["adj"]) < 2:
            roles.add("adj")
        if not parts["over"] and "place" in named and rng.random() < 0.6:
            roles = {"over"}
        say(name, roles) or say(name, {"adj", "tail"})

    body = with_article(" ".join(parts["adj"]), parts["noun"][0], rng)
    body = " ".join([*parts["over"], body, *parts["tail"]])
    prefix = PREFIXES[int(rng.integers(len(PREFIXES)))]
    again = any(word in prefix and word in body for word in ("landscape", "view"))
    return ("" if again else prefix) + body, named


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Every word that a caption can hold."""
    texts = [*PREFIXES, *GENERIC, *(p.words for p in phrases()), "a an the"]
    return frozenset(word.lstrip("~") for text in texts for word in text.split())
