"""The sandbox's yard and truck: in a demo they send the physical events that people and yard systems send in life.

`python -m adapters.sandbox.world --gateway URL --token T --hong-kong URL`. It looks at what trucks wait for through the
product's own gateway, lets them arrive, depart and cross after the times of mappings' clock given in world.yaml, and
drives them past Hong Kong's control point.
"""
