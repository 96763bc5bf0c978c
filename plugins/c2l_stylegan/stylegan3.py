from torch import nn
class Synthesis3(nn.Module):
    pass
