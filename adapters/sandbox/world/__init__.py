"""The sandbox's yard and truck: in a sandbox they tell the physical events that people and yard systems tell in life.

`python -m adapters.sandbox.world --gateway URL --hong-kong URL` with the gateway's token in TONGGUAN_TOKEN. It looks at
what trucks wait for through the product's own gateway, tells their arrival, departure and crossing by world.yaml, and
drives them past Hong Kong's control point.
"""
