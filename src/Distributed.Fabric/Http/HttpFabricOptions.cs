using Distributed.Protocol;

namespace Distributed.Fabric.Http;

/// <summary>Times and bounds of the `http` fabric. Both ends of a connection should have the same.</summary>
public sealed record HttpFabricOptions
{
    /// <summary>How often each end says that it is alive.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Silence after which the other end is taken for unreachable. A few heartbeats long.</summary>
    public TimeSpan DeadAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection that broke may take to come back before the node is reported as unreachable.</summary>
    public TimeSpan RejoinGrace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An unreachable node that does not come back for so long has left.</summary>
    public TimeSpan ForgetAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long the two ends may take to prove themselves.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>First pause before dialling again; it doubles with every attempt in vain, up to <see cref="RedialLongest"/>.</summary>
    public TimeSpan RedialFirst { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest pause before dialling again.</summary>
    public TimeSpan RedialLongest { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A node that cannot reach the learner for so long ends.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Frames that may wait for one connection; further ones are dropped and counted.</summary>
    public int QueueFrames { get; init; } = 8192;

    /// <summary>Bytes that may wait for one connection; further frames are dropped and counted.</summary>
    public long QueueBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Longest frame, bytes; a longer one ends the connection before it is read.</summary>
    public int MaxFrameBytes { get; init; } = WireCodec.MaxFrameBytes;

    /// <summary>Messages a connection may be ahead of the actors before it is read no further.</summary>
    public int FlowWindow { get; init; } = 512;

    /// <summary>Longest wait for the actors before a connection is read on all the same.</summary>
    public TimeSpan FlowTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Nodes of one cluster, the learner's not counted.</summary>
    public int MostNodes { get; init; } = 4096;

    /// <summary>Connections that are proving themselves at once.</summary>
    public int MostHandshakes { get; init; } = 64;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
