"""How the demo's weights were made: the steps from rendered pictures to priors.

It lives in the repository and not in the wheel: what runs is ``c2l_demo``, which this package
imports and never the other way round. ``python -m c2l_demo_workshop all --work DIR`` reruns it.
"""
