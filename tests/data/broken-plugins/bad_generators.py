"""Generators that break one promise each; ``Base`` keeps them all."""

import torch
from torch import nn
from torch.nn import functional as F

import c2l
from c2l.errors import BadInput


class Base(c2l.Generator):
    z, height, width = 12, 32, 32

    def __init__(self):
        super().__init__()
        rng = torch.Generator().manual_seed(1)
        self.w = nn.Parameter(torch.randn(self.z, 3, generator=rng), False)
        self.m = nn.Parameter(torch.randn(self.z, 8 * 8, generator=rng), False)

    @classmethod
    def load(cls, source):
        return cls().eval()

    @property
    def latent_space(self):
        return c2l.LatentSpace(1, self.z, (1,), torch.zeros(1, self.z), torch.ones(1, self.z))

    @property
    def image_size(self):
        return self.height, self.width

    def sample_latents(self, seeds):
        return c2l.draw_normal(seeds, self.z)[:, None]

    def synthesize(self, latents, *, truncation=1.0, repeats=None):
        x = truncation * self.latent_space.expand(latents, repeats)[:, 0]
        small = (x @ self.m).view(-1, 1, 8, 8)
        grey = F.interpolate(small, (self.height, self.width), mode="bilinear")
        return torch.tanh(0.3 * grey + 0.5 * (x @ self.w)[:, :, None, None])


class NoEval(Base):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(3)

    @classmethod
    def load(cls, source):
        return cls().requires_grad_(False)

    def synthesize(self, latents, **options):
        return torch.tanh(self.bn(super().synthesize(latents, **options)))


class Rng(Base):
    def synthesize(self, latents, **options):
        images = super().synthesize(latents, **options)
        return (images + 0.2 * torch.randn_like(images)).clamp(-1, 1)


class IgnoreSeeds(Base):
    def sample_latents(self, seeds):
        super().sample_latents(seeds)
        return torch.randn(len(seeds), 1, self.z)


class Lat2D(Base):
    def sample_latents(self, seeds):
        return super().sample_latents(seeds)[:, 0]


class Img01(Base):
    def synthesize(self, latents, **options):
        return (super().synthesize(latents, **options) + 1) / 2


class Uint8(Base):
    def synthesize(self, latents, **options):
        return ((super().synthesize(latents, **options) + 1) * 127.5).byte()


class Grey1(Base):
    def synthesize(self, latents, **options):
        return super().synthesize(latents, **options)[:, :1]


class WrongSize(Base):
    image_size = (64, 64)


class Nan(Base):
    def synthesize(self, latents, **options):
        images = super().synthesize(latents, **options).clone()
        images[0, 0, 0, 0] = torch.nan
        return images


class BatchDep(Base):
    def synthesize(self, latents, **options):
        images = super().synthesize(latents, **options)
        return (images - images.mean(0)).clamp(-1, 1)


class MeanNone(Base):
    latent_space = c2l.LatentSpace(1, 12, (1,), None, None)


class BadRepeats(Base):
    @property
    def latent_space(self):
        return c2l.LatentSpace(1, self.z, (1, 1), torch.zeros(1, self.z), torch.ones(1, self.z))


class NoTens(Base):
    def synthesize(self, latents, **options):
        return super().synthesize(latents, **options).numpy()


class Raises(Base):
    def synthesize(self, latents, **options):
        raise RuntimeError("boom in synthesize\nsecond line")


class LoadOther(Base):
    @classmethod
    def load(cls, source):
        return nn.Linear(2, 2)


class Mutates(Base):
    def synthesize(self, latents, *, truncation=1.0, repeats=None):
        latents.mul_(truncation)
        return super().synthesize(latents, repeats=repeats)


class NoTrunc(Base):
    def synthesize(self, latents):
        return super().synthesize(latents)


class FpSame(Base):
    def __init__(self):
        super().__init__()
        self.net = [torch.randn(12, 3, generator=torch.Generator().manual_seed(1))]

    def synthesize(self, latents, *, truncation=1.0, repeats=None):
        images = super().synthesize(latents, truncation=truncation, repeats=repeats)
        x = truncation * self.latent_space.expand(latents, repeats)[:, 0]
        return torch.tanh(0.2 * images + (x @ self.net[0])[:, :, None, None])


class Grads(Base):
    def __init__(self):
        super().__init__()
        self.requires_grad_(True)


class BadSettings(Base):
    def settings(self):
        return {"x": torch.zeros(2)}


class SysExit(Base):
    def synthesize(self, latents, **options):
        raise SystemExit(0)


class Refuses(Base):
    """Says that it is the user's fault."""

    def sample_latents(self, seeds):
        raise BadInput("never these seeds", hint="Use others", field="seeds")


def no_class():
    return Base()


class NoGenerator:
    @classmethod
    def load(cls, source):
        return cls()


number = 3
