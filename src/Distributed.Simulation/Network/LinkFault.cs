using Distributed.Protocol;

namespace Distributed.Simulation.Network;

/// <summary>Something wrong with the links from one node to another for a while; <c>*</c> is every node.</summary>
/// <param name="From">Sender.</param>
/// <param name="To">Receiver.</param>
public sealed record LinkFault(string From, string To)
{
    /// <summary>Nothing gets through.</summary>
    public bool Blocked { get; init; }

    /// <summary>Part of the messages lost.</summary>
    public double Loss { get; init; }

    /// <summary>Part of the messages that arrive twice.</summary>
    public double Duplication { get; init; }

    /// <summary>Messages are held back for up to this long and overtake each other, seconds.</summary>
    public double ReorderSeconds { get; init; }

    /// <summary>Everything takes longer by this, seconds.</summary>
    public double DelaySeconds { get; init; }

    /// <summary>Bandwidth is divided by this.</summary>
    public double Slowdown { get; init; } = 1;

    /// <summary>Part of the weight ranges whose connection breaks half-way.</summary>
    public double BrokenTransfers { get; init; }

    /// <summary>Part of the weight ranges that arrive with a changed byte.</summary>
    public double CorruptTransfers { get; init; }

    /// <summary>Whether it is about this link.</summary>
    public bool Applies(NodeId from, NodeId to) => (From == "*" || From == from.Value) && (To == "*" || To == to.Value);
}

/// <summary>A healthy link.</summary>
public sealed record LinkModel
{
    /// <summary>Shortest time a message takes, seconds.</summary>
    public double LatencySeconds { get; init; } = 0.001;

    /// <summary>Mean of what comes on top of it, exponentially distributed, seconds.</summary>
    public double JitterSeconds { get; init; } = 0.002;

    /// <summary>Bytes a second of one link.</summary>
    public double BytesPerSecond { get; init; } = 125e6;

    /// <summary>Bytes a second that one node can send to all others together.</summary>
    public double UplinkBytesPerSecond { get; init; } = 1.25e9;

    /// <summary>How long a node that does not answer counts as here, seconds.</summary>
    public double DetectionSeconds { get; init; } = 1.5;

    /// <summary>How long a weight range is waited for before its connection counts as broken, seconds.</summary>
    public double TransferTimeoutSeconds { get; init; } = 1;

    /// <summary>Messages go through their wire bytes. Off only where a scaling question needs the speed.</summary>
    public bool Serialize { get; init; } = true;
}
