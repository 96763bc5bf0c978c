"""The words people use for a portrait: synonyms as tables, and a small grammar over them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from c2l_demo.worlds.faces.attributes import VALUES, visible
from c2l_demo.worlds.world import Scene

Words = tuple[str, ...]
Table = dict[str, dict[str, Words]]

# fmt: off
PREFIXES: Words = (
    "a photo of", "a photograph of", "photograph of", "photo of", "a picture of", "picture of",
    "a portrait of", "portrait of", "a drawing of", "drawing of", "an illustration of",
    "illustration of", "an image of", "image of", "the face of", "a close-up of",
)
NOBODY: Words = ("person", "face", "someone", "character")
GENDER: dict[str, Words] = {
    "woman": ("woman", "woman", "woman", "lady", "female"),
    "man": ("man", "man", "man", "guy", "male", "gentleman"),
}
AGE_ADJECTIVE: dict[str, Words] = {
    "child": (),
    "young": ("young", "young", "youthful", "teenage"),
    "middle-aged": ("middle-aged", "middle aged", "mature"),
    "elderly": ("elderly", "old", "aged", "senior", "wrinkled"),
}
AGE_NOUN: dict[str, Words] = {
    "child": ("child", "kid", "toddler", "little child", "young child", "small kid"),
    "young": ("youth", "young person", "teenager", "young adult"),
    "middle-aged": ("middle-aged person", "middle aged person", "mature person",
                    "middle-aged adult"),
    "elderly": ("elderly person", "old person", "senior", "pensioner", "aged person",
                "grandparent", "senior citizen"),
}
AGE_GENDER: dict[tuple[str, str], Words] = {
    ("child", "woman"): ("girl", "girl", "little girl", "young girl", "female child"),
    ("child", "man"): ("boy", "boy", "little boy", "young boy", "male child"),
    ("elderly", "woman"): ("grandmother", "grandma", "granny", "old woman"),
    ("elderly", "man"): ("grandfather", "grandpa", "granddad", "old man"),
    ("middle-aged", "woman"): ("woman in her forties", "woman in her fifties"),
    ("middle-aged", "man"): ("man in his forties", "man in his fifties"),
}
# one word for a person by the hair
HAIR_NOUN: dict[str, Words] = {
    "blonde": ("blonde", "blond"), "red": ("redhead",), "brown": ("brunette",),
}
COLOUR: dict[str, Words] = {
    "black": ("black", "black", "raven", "jet black", "dark"),
    "brown": ("brown", "brown", "chestnut", "brunette"),
    "blonde": ("blonde", "blond", "golden", "fair", "yellow"),
    "red": ("red", "ginger", "auburn", "orange"),
    "grey": ("grey", "gray", "silver", "white"),
}
STYLED: dict[str, Words] = {
    "short": ("short {} hair", "short {} hair", "cropped {} hair", "{} short hair"),
    "long": ("long {} hair", "long {} hair", "{} long hair", "long straight {} hair"),
    "curly": ("curly {} hair", "{} curly hair", "{} curls", "frizzy {} hair", "a {} afro"),
    "ponytail": ("a {} ponytail", "a {} pony tail", "{} hair in a ponytail", "a {} pony-tail",
                 "{} hair tied back"),
}
# in front of the noun: "a smiling man"
ADJECTIVE: Table = {
    "skin": {
        "light": ("pale", "fair-skinned", "light-skinned", "white"),
        "tan": ("tanned", "olive-skinned"),
        "brown": ("brown-skinned",),
        "dark": ("black", "dark-skinned"),
    },
    "hair_style": {
        "bald": ("bald", "bald", "hairless", "bald-headed"),
        "short": ("short-haired",),
        "long": ("long-haired",),
        "curly": ("curly-haired", "curly", "frizzy-haired"),
        "ponytail": (),
    },
    "hair_colour": {
        "black": ("black-haired", "dark-haired", "raven-haired"),
        "brown": ("brown-haired", "brunette"),
        "blonde": ("blonde", "blond", "blonde", "fair-haired", "golden-haired"),
        "red": ("red-haired", "ginger", "redheaded", "red-headed"),
        "grey": ("grey-haired", "gray-haired", "silver-haired", "white-haired"),
    },
    "facial_hair": {
        "none": ("clean-shaven", "clean shaven", "beardless"),
        "beard": ("bearded",),
        "moustache": ("moustached", "mustached", "moustachioed"),
    },
    "expression": {
        "happy": ("happy", "smiling", "grinning", "laughing", "joyful", "cheerful", "merry"),
        "neutral": ("calm", "serious", "expressionless", "neutral"),
        "sad": ("sad", "unhappy", "gloomy", "frowning", "crying", "weeping", "miserable"),
        "surprised": ("surprised", "astonished", "shocked", "amazed", "startled"),
    },
    "glasses": {"eyeglasses": ("bespectacled",)},
}
# after the noun: "a man with ..."
WITH: Table = {
    "skin": {
        "light": ("pale skin", "fair skin", "light skin", "white skin", "a pale complexion"),
        "tan": ("tanned skin", "olive skin", "tan skin", "a tan"),
        "brown": ("brown skin",),
        "dark": ("dark skin", "black skin", "a dark complexion"),
    },
    "hair_style": {
        "bald": ("no hair", "a bald head", "a shaved head"),
        "short": ("short hair", "cropped hair", "a short haircut"),
        "long": ("long hair", "long straight hair"),
        "curly": ("curly hair", "curls", "frizzy hair", "an afro"),
        "ponytail": ("a ponytail", "a pony tail", "hair in a ponytail", "hair tied back"),
    },
    "hair_colour": {name: tuple(f"{c} hair" for c in words) for name, words in COLOUR.items()},
    "facial_hair": {
        "none": ("no beard", "a shaven face"),
        "beard": ("a beard", "a beard", "a full beard", "a big beard", "a bushy beard"),
        "moustache": ("a moustache", "a mustache", "a big moustache", "a large mustache"),
    },
    "glasses": {
        "none": (),
        "eyeglasses": ("eyeglasses", "glasses", "spectacles", "reading glasses", "round glasses",
                       "thick glasses"),
        "sunglasses": ("sunglasses", "sunglasses", "shades", "dark glasses", "large sunglasses",
                       "sun glasses"),
    },
    "ear_rings": {
        "no": (),
        "yes": ("ear rings", "earrings", "gold earrings", "big earrings", "hoops", "jewellery",
                "golden ear rings", "earring", "jewelry", "hoop earrings"),
    },
    "expression": {
        "happy": ("a happy expression", "a smile", "a big smile", "a grin", "a cheerful face",
                  "a positive expression", "a wide smile"),
        "neutral": ("a neutral expression", "a calm expression", "a serious face", "a blank look"),
        "sad": ("a sad expression", "a negative expression", "a frown", "tears", "a sad face",
                "an unhappy face"),
        "surprised": ("a surprised expression", "a shocked face", "an open mouth",
                      "an astonished look", "wide eyes"),
    },
    "hat": {
        "none": (),
        "red cap": ("a red cap", "a baseball cap", "a cap", "a red hat", "a red baseball cap"),
        "straw hat": ("a straw hat", "a sun hat", "a summer hat", "a wide straw hat"),
        "blue beanie": ("a blue beanie", "a beanie", "a woolly hat", "a winter hat",
                        "a knitted hat", "a blue hat", "a blue woolly hat", "a bobble hat"),
    },
}
WITHOUT: dict[str, Words] = {
    "glasses": ("without glasses", "without eyeglasses"),
    "hat": ("without a hat", "no hat", "hatless", "bareheaded"),
    "ear_rings": ("without earrings", "without ear rings"),
    "facial_hair": ("without a beard", "without facial hair"),
}
PLACE: dict[str, Words] = {
    "studio": ("in a studio", "in the studio", "indoors", "before a plain background",
               "in front of a plain background", "on a grey background"),
    "sea": ("by the sea", "at the beach", "on the beach", "at the seaside", "by the ocean",
            "on the coast", "on the shore", "in front of the sea", "at the sea"),
    "forest": ("in the forest", "in the woods", "by the forest", "in a forest", "among trees",
               "in front of trees", "in the wood"),
    "city": ("in the city", "downtown", "in town", "in front of a skyline", "in a big city",
             "in front of skyscrapers", "in an urban setting", "in front of buildings"),
    "snow mountains": ("in the mountains", "in the snow", "in the snowy mountains", "in the alps",
                       "in front of mountains", "in front of snow mountains",
                       "before snowy peaks"),
}
# the same, said in a list of key words
PLACE_WORD: dict[str, Words] = {
    "studio": ("studio", "plain background", "indoors"),
    "sea": ("sea", "beach", "seaside", "ocean", "coast", "shore"),
    "forest": ("forest", "woods", "trees"),
    "city": ("city", "downtown", "town", "skyline", "urban"),
    "snow mountains": ("mountains", "snow", "snowy mountains", "alps", "snow mountains"),
}
# fmt: on

WORN = ("glasses", "ear_rings", "hat")
ABSENT = ("none", "no")  # values that say a thing is missing
GLUE = "a an and with wearing has is who in s"


class Speaker:
    """Puts one set of facts into words."""

    def __init__(self, facts: dict[str, str], rng: np.random.Generator) -> None:
        self.facts = facts
        self.rng = rng
        self.todo = set(facts)

    def pick(self, words: Sequence[str]) -> str:
        """Choose one at random."""
        return words[int(self.rng.integers(len(words)))]

    def chance(self, probability: float) -> bool:
        """Toss a coin that falls on true with this probability."""
        return bool(self.rng.random() < probability)

    def shuffled(self, words: Sequence[str]) -> list[str]:
        """The words in random order."""
        return [words[int(i)] for i in self.rng.permutation(len(words))]

    def tell(self, *names: str) -> bool:
        """Mark facts as told, if all of them are still to be told; say whether that was so."""
        if not self.todo.issuperset(names):
            return False
        self.todo.difference_update(names)
        return True

    def person(self) -> str:
        """The noun, with an age in front or in it."""
        facts = self.facts
        colour = facts.get("hair_colour", "")
        if "gender" not in facts and colour in HAIR_NOUN and self.chance(0.3):
            self.tell("hair_colour")
            noun = self.pick(HAIR_NOUN[colour])
            ages = AGE_ADJECTIVE.get(facts.get("age", ""), ())
            return f"{self.pick(ages)} {noun}" if ages and self.tell("age") else noun
        if self.tell("age", "gender"):
            age, gender = facts["age"], facts["gender"]
            whole = AGE_GENDER.get((age, gender), ())
            if whole and (age == "child" or self.chance(0.35)):
                return self.pick(whole)
            return f"{self.pick(AGE_ADJECTIVE[age])} {self.pick(GENDER[gender])}"
        if self.tell("age"):
            return self.pick(AGE_NOUN[facts["age"]])
        return self.pick(GENDER[facts["gender"]]) if self.tell("gender") else self.pick(NOBODY)

    def adjectives(self) -> list[str]:
        """Up to two facts as adjectives."""
        out: list[str] = []
        for name in self.shuffled(sorted(self.todo)):
            words = ADJECTIVE.get(name, {}).get(self.facts[name], ())
            if words and len(out) < 2 and self.chance(0.42) and self.tell(name):
                out.append(self.pick(words))
        return out

    def hair(self) -> list[str]:
        """Style and colour in one phrase, where both are to be told."""
        if self.facts.get("hair_style") in STYLED and self.tell("hair_style", "hair_colour"):
            colour = self.pick(COLOUR[self.facts["hair_colour"]])
            return [self.pick(STYLED[self.facts["hair_style"]]).format(colour)]
        return []

    def things(self, names: Iterable[str]) -> list[str]:
        """What the person has, as phrases to stand behind "with"."""
        out: list[str] = []
        for name in names:
            words = WITH.get(name, {}).get(self.facts[name], ())
            if words and self.tell(name):
                out.append(self.pick(words))
        return out

    def missing(self) -> list[str]:
        """What the person does not have."""
        gone = [n for n in sorted(self.todo) if n in WITHOUT and self.facts[n] in ABSENT]
        return [self.pick(WITHOUT[n]) for n in gone if self.tell(n)]

    def sentence(self) -> str:
        """Words in the order of a sentence."""
        place = self.facts.get("place")
        ending = [self.pick(PLACE[place])] if place and self.tell("place") else []
        person = self.person()
        front = self.adjectives()
        if front and person == "someone":
            person = "person"
        wearing: list[str] = []
        if self.chance(0.5):
            wearing = self.things(n for n in WORN if n in self.todo)
        missing = self.missing()
        having = self.shuffled(self.hair() + self.things(sorted(self.todo)))
        phrase = article(" ".join([*front, person]))
        tails = []
        if having:
            tails.append("with " + listed(having))
        if wearing:
            tails.append(("wearing " if self.chance(0.8) else "who is wearing ") + listed(wearing))
        tails = self.shuffled([*tails, *missing])
        if ending and self.chance(0.2):
            return " ".join([phrase, *ending, *tails])
        return " ".join([phrase, *tails, *ending])

    def keywords(self) -> str:
        """Words separated by commas."""
        place = self.facts.get("place")
        parts = [self.pick(PLACE_WORD[place])] if place and self.tell("place") else []
        person = [self.person()] if self.todo & {"age", "gender"} else []
        parts += self.hair()
        parts += self.adjectives()
        parts += self.missing()
        parts += [bare(thing) for thing in self.things(sorted(self.todo))]
        parts = self.shuffled([bare(part) for part in parts])
        return (", " if self.chance(0.8) else " ").join([*person, *parts])


def bare(phrase: str) -> str:
    """The phrase without its article."""
    return re.sub(r"^an? ", "", phrase)


def article(phrase: str) -> str:
    """The phrase with an indefinite article, where it takes one."""
    if phrase.endswith("someone"):
        return phrase
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def listed(parts: Sequence[str]) -> str:
    """The parts as an enumeration."""
    if len(parts) < 3:
        return " and ".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def choose(seen: dict[str, str], rng: np.random.Generator) -> dict[str, str]:
    """The facts that this caption will tell: most often three to five."""
    level = rng.uniform(0.25, 0.6)
    quiet = {"glasses": 0.12, "hat": 0.12, "ear_rings": 0.08, "facial_hair": 0.1}
    chosen: dict[str, str] = {}
    for name, value in seen.items():
        keep = quiet[name] if name in quiet and value in ABSENT else level
        if rng.random() < keep:
            chosen[name] = value
    if "gender" in seen and "gender" not in chosen and rng.random() < 0.3:
        chosen["gender"] = seen["gender"]
    if chosen.get("facial_hair") == "none" and chosen.get("gender") != "man":
        del chosen["facial_hair"]
    if not chosen or rng.random() < 0.05:
        name = str(rng.choice([n for n in seen if seen[n] not in ABSENT]))
        return {name: seen[name]}
    return chosen


def caption(scene: Scene, rng: np.random.Generator) -> tuple[str, dict[str, int]]:
    """Describe some of what the picture shows; also return exactly which facts were told."""
    seen = visible(scene)
    facts = choose({name: VALUES[name][i] for name, i in seen.items()}, rng)
    speaker = Speaker(facts, rng)
    if rng.random() < (0.6 if len(facts) == 1 else 0.2):
        words = speaker.keywords()
    else:
        words = speaker.sentence()
        if rng.random() < 0.6:
            words = f"{speaker.pick(PREFIXES)} {words}"
        elif rng.random() < 0.3:
            words = bare(words)
    return words, {name: seen[name] for name in facts if name not in speaker.todo}


def vocabulary() -> frozenset[str]:
    """Every run of letters that a caption may hold."""
    flat: list[Words] = [PREFIXES, NOBODY, (GLUE,)]
    for words in (
        GENDER,
        AGE_ADJECTIVE,
        AGE_NOUN,
        HAIR_NOUN,
        COLOUR,
        STYLED,
        WITHOUT,
        PLACE,
        PLACE_WORD,
    ):
        flat += words.values()
    flat += AGE_GENDER.values()
    for table in (ADJECTIVE, WITH):
        for values in table.values():
            flat += values.values()
    return frozenset(re.findall(r"[a-z]+", " ".join(w for words in flat for w in words)))
