using System.Text;

namespace Distributed.Fabric.AkkaCluster;

/// <summary>
/// The first frame of an Akka.Remote connection, as far as a proxy has to read it: it names the address of the node that dials. Layout (Protocol Buffers): an address is
/// field 1 system, 2 host, 3 port (varint), 4 protocol.
/// </summary>
public static class AssociateFrame
{
    private const byte HostTag = 0x12;
    private const byte PortTag = 0x18;

    /// <summary>The port of a node that dials under <paramref name="host"/>; null if the bytes name none.</summary>
    public static int? PortOf(ReadOnlySpan<byte> first, string host)
    {
        byte[] mark = [HostTag, checked((byte)host.Length), .. Encoding.ASCII.GetBytes(host), PortTag];
        var at = first.IndexOf(mark);
        if (at < 0) return null;
        var port = 0;
        var rest = first[(at + mark.Length)..];
        for (var digit = 0; digit < 3 && digit < rest.Length; digit++)
        {
            port |= (rest[digit] & 0x7f) << (7 * digit);
            if (rest[digit] < 0x80) return port;
        }

        return null;
    }
}
