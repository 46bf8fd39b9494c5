"""Books in the ledger: a buyer's yearly quota, the tax guarantee, bonded warehouse stock (decision 0008).

One machine for all three: an account has a total, what parcels have reserved of it and what they have taken; an entry
says what it changes, for which parcel and why, and goes in once. An account is the sum of its entries. Accounts are
locked in one order before anything is counted, so that two workers never hand out the same amount twice.
Amounts are integers scaled by 100,000.
"""
