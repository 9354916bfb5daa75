"""Which metric tells the truth?"""
