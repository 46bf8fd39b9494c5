"""More front doors of the China sandbox, all into the same `Customs`: queues, folders, a local port's HTTP.

They play what stands between a company and customs: a broker, the E-Port client, a local port (transport_signature.md,
section 2). Names and forms that no source publishes are ours and unverified.
"""
