"""The devices that are shipped: sampler, processor, sink and dispatcher.

They use whatever channels they are configured with, under any names: data1 and data2 in FairMQ's 1-n-1
example, data in copypush.
"""
