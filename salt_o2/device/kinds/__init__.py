"""Devices that are shipped: sampler, processor, sink and dispatcher.

They use all configured channels, under any name: data1 and data2 in FairMQ's 1-n-1 example, data in
copypush.
"""
