using System.Net;
using System.Net.Sockets;

namespace Distributed.Fabric.Http;

/// <summary>What a proxy does to the bytes between two nodes; the worse ones come later.</summary>
public enum LinkFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Moves few bytes at a time, with pauses.</summary>
    Slow,

    /// <summary>Keeps connections open but moves no byte.</summary>
    Frozen,

    /// <summary>Ends every connection and takes no new one.</summary>
    Cut,
}

/// <summary>
/// A TCP proxy on this machine that can do to a node's link what real networks do: cut it, freeze it, slow it down, change a byte. For tests and
/// `distributed chaos`; a node dials it instead of the learner. Where every node dials every other (fabric `akka`), each has one before it, and the fault of the node that
/// dials holds as well as that of the node that is dialled (<see cref="Dialler"/>).
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private const int ChunkBytes = 16 * 1024;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Socket> _open = [];
    private readonly Func<int> _target;
    private readonly Task _accepting;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LinkFault _fault;
    private int _corrupt;

    /// <summary>A proxy before whatever listens on a port of this machine.</summary>
    public FaultProxy(Func<int> targetPort)
    {
        _target = targetPort;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = Accept();
    }

    /// <summary>Where to dial.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Finds the proxy of the node that dials, by the first bytes it sends; null: unknown, or it has none.</summary>
    public Func<ReadOnlyMemory<byte>, FaultProxy?> Dialler { get; init; } = _ => null;

    /// <summary>Bytes a slow link moves a second, about.</summary>
    public int SlowBytesPerSecond { get; init; } = 64 * 1024;

    /// <summary>Bytes that were changed.</summary>
    public int Corrupted { get; private set; }

    /// <summary>Sets what happens from now on.</summary>
    public void Set(LinkFault fault)
    {
        lock (_gate)
        {
            _fault = fault;
            if (fault == LinkFault.Cut) foreach (var socket in _open) Reset(socket);
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Changes a byte in the middle of the next chunk of at least a kilobyte that goes to the node.</summary>
    public void CorruptNext()
    {
        lock (_gate) _corrupt++;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        lock (_gate)
        {
            foreach (var socket in _open) Reset(socket);
            _changed.TrySetResult();
        }

        await _accepting.ConfigureAwait(false);
    }

    private async Task Accept()
    {
        while (!_closed.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptAsync(_closed.Token).ConfigureAwait(false);
                _ = Serve(client);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Closed, or a caller that hung up at once.
            }
        }
    }

    private async Task Serve(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        using (client)
        {
            lock (_gate)
            {
                if (_fault == LinkFault.Cut)
                {
                    Reset(client);
                    return;
                }

                _open.Add(client);
                _open.Add(server);
            }

            var link = new Link(client, server);
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target(), _closed.Token).ConfigureAwait(false);
                await Task.WhenAny(Pump(link, client, server, false), Pump(link, server, client, true)).ConfigureAwait(false);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Nobody listens there.
            }
            finally
            {
                Forget(link);
                link.Dialler?.Forget(link);
                Reset(client);
                Reset(server);
            }
        }
    }

    // A connection, and whose it is at the far end.
    private sealed class Link(Socket client, Socket server)
    {
        public Socket Client => client;

        public Socket Server => server;

        public FaultProxy? Dialler { get; set; }
    }

    private void Forget(Link link)
    {
        lock (_gate)
        {
            _open.Remove(link.Client);
            _open.Remove(link.Server);
        }
    }

    // The dialler's own faults end this connection too from now on.
    private void Join(Link link)
    {
        lock (_gate)
        {
            _open.Add(link.Client);
            _open.Add(link.Server);
            if (_fault == LinkFault.Cut) Reset(link.Client);
        }
    }

    private LinkFault Worst(Link link) => link.Dialler is { } dialler && dialler._fault > _fault ? dialler._fault : _fault;

    private async Task Pump(Link link, Socket from, Socket to, bool towardsNode)
    {
        var buffer = new byte[ChunkBytes];
        var isFirst = !towardsNode;
        try
        {
            while (true)
            {
                var size = Worst(link) == LinkFault.Slow ? Math.Min(ChunkBytes, Math.Max(1, SlowBytesPerSecond / 20)) : ChunkBytes;
                var length = await from.ReceiveAsync(buffer.AsMemory(0, size), _closed.Token).ConfigureAwait(false);
                if (length == 0) return;
                if (isFirst && Dialler(buffer.AsMemory(0, length)) is { } dialler && dialler != this)
                {
                    link.Dialler = dialler;
                    dialler.Join(link);
                }

                isFirst = false;
                while (Worst(link) == LinkFault.Frozen && !_closed.IsCancellationRequested) await (_fault == LinkFault.Frozen ? this : link.Dialler!).Changed().ConfigureAwait(false);
                if (Worst(link) == LinkFault.Slow) await Task.Delay(TimeSpan.FromSeconds(length / (double)SlowBytesPerSecond), _closed.Token).ConfigureAwait(false);
                if (towardsNode && length >= 1024 && TakeCorruption()) buffer[length / 2] ^= 0x10;
                for (var sent = 0; sent < length;) sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), _closed.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of the two is gone; the other will be told.
        }
    }

    private Task Changed()
    {
        lock (_gate) return _fault == LinkFault.Frozen ? _changed.Task : Task.CompletedTask;
    }

    private bool TakeCorruption()
    {
        lock (_gate)
        {
            if (_corrupt == 0) return false;
            _corrupt--;
            Corrupted++;
            return true;
        }
    }

    // A reset instead of an orderly end, as when a process or a cable goes.
    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }

        socket.Dispose();
    }
}
