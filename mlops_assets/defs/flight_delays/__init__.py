"""The use case: will a flight arrive more than 15 minutes late?"""
