using System.Buffers;
using System.Net.WebSockets;
using System.Threading.Channels;
using Distributed.Protocol;

namespace Distributed.Fabric.Http;

/// <summary>How a connection ended.</summary>
internal enum ConnectionEnd
{
    /// <summary>It broke; the peer may be alive or not.</summary>
    Lost,

    /// <summary>Nothing was heard for too long.</summary>
    Silent,

    /// <summary>The peer said goodbye.</summary>
    Goodbye,

    /// <summary>This end closed it.</summary>
    Closed,
}

/// <summary>
/// One proven connection: frames out of a bounded queue, frames in to the node's actors, heartbeats both ways. Nothing here blocks a caller:
/// what finds the queue full is dropped and counted, and the actors' senders repeat what matters.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int ChunkBytes = 64 * 1024;
    private readonly WebSocket _socket;
    private readonly Session _session;
    private readonly HttpFabricOptions _options;
    private readonly FabricCounters _counters;
    private readonly Inbox _inbox;
    private readonly Channel<byte[]> _queue;
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _heardOut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _queuedBytes;
    private long _hearingSince; // when this end began to wait for bytes; 0 while it does something with them
    private long _sendingSince; // the same for bytes on their way out
    private int _end = -1;
    private volatile bool _closing;

    public Connection(WebSocket socket, Session session, HttpFabricOptions options, FabricCounters counters, Inbox inbox)
    {
        _socket = socket;
        _session = session;
        _options = options;
        _counters = counters;
        _inbox = inbox;
        _queue = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(options.QueueFrames) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    }

    /// <summary>What the peer said when it left.</summary>
    public string Goodbye { get; private set; } = "";

    /// <summary>Queues a frame; false if it was dropped.</summary>
    public bool TrySend(byte[] frame)
    {
        if (frame.Length > _options.MaxFrameBytes + Frame.Overhead)
        {
            _counters.Add(FabricCount.DroppedTooLong);
            return false;
        }

        if (Interlocked.Add(ref _queuedBytes, frame.Length) > _options.QueueBytes || !_queue.Writer.TryWrite(frame))
        {
            Interlocked.Add(ref _queuedBytes, -frame.Length);
            _counters.Add(FabricCount.DroppedQueueFull);
            return false;
        }

        _counters.Add(FabricCount.MessagesSent);
        return true;
    }

    /// <summary>Runs until the connection is over.</summary>
    public async Task<ConnectionEnd> RunAsync()
    {
        var sending = SendAll();
        var beating = Beat();
        var receiving = ReceiveAll();
        await receiving.ConfigureAwait(false);
        _heardOut.TrySetResult();
        await _ended.CancelAsync().ConfigureAwait(false);
        _queue.Writer.TryComplete();
        await Task.WhenAll(sending, beating).ConfigureAwait(false);
        Dispose();
        return (ConnectionEnd)_end;
    }

    /// <summary>Frees the socket; done at the end of <see cref="RunAsync"/>.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        _ended.Dispose();
    }

    /// <summary>
    /// Sends what is queued and a goodbye, waits at most <paramref name="limit"/> for the peer to hang up, which it does when it has read the
    /// goodbye, then ends the connection: ended at once it would take the last words with it.
    /// </summary>
    public async Task CloseAsync(string goodbye, TimeSpan limit)
    {
        _closing = true;
        _queue.Writer.TryWrite(Frame.Of(FrameKind.Goodbye, goodbye));
        _queue.Writer.TryComplete();
        await Task.WhenAny(_heardOut.Task, Task.Delay(limit, _options.Time)).ConfigureAwait(false);
        End(ConnectionEnd.Closed);
    }

    /// <summary>Ends the connection at once.</summary>
    public void Abort() => End(ConnectionEnd.Closed);

    private void End(ConnectionEnd end)
    {
        if (Interlocked.CompareExchange(ref _end, (int)end, -1) != -1) return;
        switch (end)
        {
            case ConnectionEnd.Lost: _counters.Add(FabricCount.ConnectionsLost); break;
            case ConnectionEnd.Silent: _counters.Add(FabricCount.ConnectionsSilent); break;
        }

        // Not Close: its handshake would wait for a peer that may be gone.
        _socket.Abort();
    }

    private async Task Beat()
    {
        try
        {
            using var timer = new PeriodicTimer(_options.Heartbeat, _options.Time);
            while (await timer.WaitForNextTickAsync(_ended.Token).ConfigureAwait(false))
            {
                _queue.Writer.TryWrite(Frame.Of(FrameKind.Heartbeat));
                // Looked at here rather than with a timer for each frame. A peer that takes nothing for so long is no better than a silent one.
                if (IsOver(Volatile.Read(ref _hearingSince)) || IsOver(Volatile.Read(ref _sendingSince))) End(ConnectionEnd.Silent);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The connection is over.
        }
    }

    private bool IsOver(long since) => since != 0 && _options.Time.GetElapsedTime(since) > _options.DeadAfter;

    private async Task SendAll()
    {
        long number = 0;
        try
        {
            await foreach (var frame in _queue.Reader.ReadAllAsync(_ended.Token).ConfigureAwait(false))
            {
                Frame.Mark(frame, _session.SendKey, number++);
                Volatile.Write(ref _sendingSince, _options.Time.GetTimestamp());
                for (var sent = 0; sent < frame.Length; sent += ChunkBytes)
                {
                    var chunk = frame.AsMemory(sent, Math.Min(ChunkBytes, frame.Length - sent));
                    await _socket.SendAsync(chunk, WebSocketMessageType.Binary, sent + chunk.Length == frame.Length, CancellationToken.None).ConfigureAwait(false);
                    Volatile.Write(ref _sendingSince, _options.Time.GetTimestamp());
                }

                Volatile.Write(ref _sendingSince, 0);
                if (frame[0] == (byte)FrameKind.Message) Interlocked.Add(ref _queuedBytes, -frame.Length);
                _counters.Add(FabricCount.BytesSent, frame.Length);
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or IOException or System.Net.Sockets.SocketException)
        {
            End(ConnectionEnd.Lost);
        }
    }

    private async Task ReceiveAll()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        long number = 0;
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult received;
                do
                {
                    if (length == buffer.Length) buffer = Grow(buffer);
                    Volatile.Write(ref _hearingSince, _options.Time.GetTimestamp());
                    received = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None).ConfigureAwait(false);
                    Volatile.Write(ref _hearingSince, 0);
                    length += received.Count;
                    if (received.MessageType == WebSocketMessageType.Close)
                    {
                        End(_closing ? ConnectionEnd.Closed : ConnectionEnd.Lost);
                        return;
                    }

                    if (length > _options.MaxFrameBytes + Frame.Overhead)
                    {
                        Break();
                        return;
                    }
                }
                while (!received.EndOfMessage);

                _counters.Add(FabricCount.BytesReceived, length);
                if (received.MessageType != WebSocketMessageType.Binary || !Frame.IsGenuine(buffer.AsSpan(0, length), _session.ReceiveKey, number++))
                {
                    Break();
                    return;
                }

                if (!await Handle(buffer.AsMemory(0, length)).ConfigureAwait(false)) return;
                if (length <= ChunkBytes || buffer.Length <= ChunkBytes) continue;
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
            }
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException or IOException or System.Net.Sockets.SocketException)
        {
            End(_closing ? ConnectionEnd.Closed : ConnectionEnd.Lost);
        }
    }

    private async ValueTask<bool> Handle(ReadOnlyMemory<byte> frame)
    {
        switch ((FrameKind)frame.Span[0])
        {
            case FrameKind.Heartbeat:
                return true;
            case FrameKind.Goodbye:
                Goodbye = Frame.TextOf(frame.Span);
                End(ConnectionEnd.Goodbye);
                return false;
            case FrameKind.Message:
                try
                {
                    await _inbox.Deliver(_session.Peer.Node, Frame.Message(frame), frame.Length).ConfigureAwait(false);
                }
                catch (WireFormatException error)
                {
                    _counters.Add(FabricCount.DroppedUnreadable);
                    _inbox.Notice($"a message of {_session.Peer.Node} is dropped: {error.Message}");
                }

                return true;
            default:
                _counters.Add(FabricCount.DroppedUnreadable);
                return true;
        }
    }

    private void Break()
    {
        _counters.Add(FabricCount.ConnectionsBroken);
        _inbox.Notice($"the connection with {_session.Peer.Node} is ended: a frame is too long or was changed on its way");
        End(ConnectionEnd.Lost);
    }

    private static byte[] Grow(byte[] buffer)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
