namespace Distributed.Fabric.Http;

/// <summary>What a fabric counts: everything it drops or refuses, and how much it carries.</summary>
public enum FabricCount
{
    /// <summary>Messages handed to a connection.</summary>
    MessagesSent,

    /// <summary>Messages handed to the node's actors.</summary>
    MessagesReceived,

    /// <summary>Bytes of frames sent.</summary>
    BytesSent,

    /// <summary>Bytes of frames received.</summary>
    BytesReceived,

    /// <summary>Messages to a node that is not connected.</summary>
    DroppedNotConnected,

    /// <summary>Messages to a connection whose queue was full.</summary>
    DroppedQueueFull,

    /// <summary>Messages longer than a frame may be.</summary>
    DroppedTooLong,

    /// <summary>Messages that came before the node's actors were there.</summary>
    DroppedNobodyHere,

    /// <summary>Frames that are no message of the protocol.</summary>
    DroppedUnreadable,

    /// <summary>Times a connection was not read because the actors were behind.</summary>
    FlowWaits,

    /// <summary>Connections that ended without a goodbye.</summary>
    ConnectionsLost,

    /// <summary>Connections ended because nothing was heard for too long.</summary>
    ConnectionsSilent,

    /// <summary>Connections ended by a frame that was changed on its way or is too long.</summary>
    ConnectionsBroken,

    /// <summary>Handshakes that began with something else than a hello.</summary>
    RefusedGarbage,

    /// <summary>Handshakes without the cluster's secret.</summary>
    RefusedSecret,

    /// <summary>Handshakes that were not finished in time.</summary>
    RefusedLate,

    /// <summary>Handshakes too many at once, or nodes too many.</summary>
    RefusedFull,

    /// <summary>Nodes whose name another one has.</summary>
    RefusedName,

    /// <summary>HTTP requests without a valid signature.</summary>
    RefusedRequest,
}

/// <summary>Counters of one fabric; safe to use from any thread.</summary>
public sealed class FabricCounters
{
    private readonly long[] _counts = new long[Enum.GetValues<FabricCount>().Length];

    /// <summary>A count.</summary>
    public long this[FabricCount count] => Interlocked.Read(ref _counts[(int)count]);

    /// <summary>Every count that is not zero, by name.</summary>
    public IReadOnlyDictionary<string, long> Snapshot() =>
        Enum.GetValues<FabricCount>().Where(count => this[count] != 0).ToDictionary(count => count.ToString(), count => this[count]);

    /// <summary>Counts.</summary>
    public void Add(FabricCount count, long by = 1) => Interlocked.Add(ref _counts[(int)count], by);
}
