using System.Net.WebSockets;
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Distributed.Fabric.Http;

/// <summary>A node as the hub knows it.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Incarnation">Number of its life.</param>
/// <param name="Address">Where its own HTTP endpoint is; empty if nowhere.</param>
/// <param name="IsConnected">Whether it is connected now.</param>
public sealed record Membership(NodeId Node, long Incarnation, string Address, bool IsConnected);

/// <summary>
/// The learner's end of the `http` fabric: the other nodes dial it over WebSockets. It knows a node by name and instance: a node that comes back
/// within <see cref="HttpFabricOptions.RejoinGrace"/> was never away, one that comes back later has joined again, and a new instance under an old
/// name is a new life, reported as the old one's leaving and the new one's joining.
/// </summary>
public sealed class HttpHub : IFabric, IAsyncDisposable
{
    /// <summary>Where nodes dial.</summary>
    public const string Path = "/fabric";

    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromSeconds(2);
    private readonly HttpSecurity _security;
    private readonly HttpFabricOptions _options;
    private readonly Action<string> _notice;
    private readonly Hello _self;
    private readonly Roster _roster;
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _watching;
    private volatile IActorRef? _node;
    private int _handshakes;

    /// <summary>A hub called <paramref name="self"/> for a run (at most 64 letters); nodes that were set up for another run are turned away.</summary>
    public HttpHub(NodeId self, string run, HttpSecurity security, HttpFabricOptions options, Action<string> notice)
    {
        Self = self;
        _security = security;
        _options = options;
        _notice = notice;
        _self = new Hello(self, Instance.New(), options.Time.GetUtcNow().ToUnixTimeMilliseconds(), "", run);
        _roster = new Roster(options, run, message => _node?.Tell(message));
        _watching = Watch();
    }

    /// <inheritdoc/>
    public NodeId Self { get; }

    /// <summary>What was carried, dropped and refused.</summary>
    public FabricCounters Counters { get; } = new();

    /// <summary>The nodes that have joined and not left.</summary>
    public IReadOnlyList<Membership> Members => _roster.Members;

    /// <summary>Adds the fabric to the node's endpoint. What is said there proves itself; requests need no signature.</summary>
    public void MapTo(IEndpointRouteBuilder routes) => routes.Map(Path, Accept);

    /// <inheritdoc/>
    public void Tell(NodeId to, IWireMessage message)
    {
        if (to == Self) _node?.Tell(new WireEnvelope(Self, message));
        else if (_roster.ConnectionOf(to) is { } connection) connection.TrySend(Frame.Of(WireCodec.ManifestOf(message), WireCodec.Encode(message)));
        else Counters.Add(FabricCount.DroppedNotConnected);
    }

    /// <inheritdoc/>
    public void Attach(IActorRef node)
    {
        _node = node;
        _roster.Repeat();
    }

    /// <summary>Tells every node that the run is over, and why, and ends the connections.</summary>
    public async Task CloseAsync(string reason)
    {
        if (_closed.IsCancellationRequested) return;
        await _closed.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_roster.Connections.Select(connection => connection.CloseAsync(reason, GoodbyeLimit))).ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
    }

    /// <summary>Ends the connections without a word, as a crash would.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync().ConfigureAwait(false);
        foreach (var connection in _roster.Connections) connection.Abort();
        await _watching.ConfigureAwait(false);
    }

    private async Task Accept(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest || _closed.IsCancellationRequested)
        {
            Counters.Add(FabricCount.RefusedGarbage);
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        if (Interlocked.Increment(ref _handshakes) > _options.MostHandshakes)
        {
            Interlocked.Decrement(ref _handshakes);
            Counters.Add(FabricCount.RefusedFull);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        Connection? connection;
        Session? session;
        try
        {
            (connection, session) = await Admit(context).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _handshakes);
        }

        if (connection is null || session is null) return;
        _roster.Connected(session, connection);
        if (_closed.IsCancellationRequested) connection.Abort();
        var end = await connection.RunAsync().ConfigureAwait(false);
        _roster.Disconnected(session, connection, end);
    }

    private async Task<(Connection?, Session?)> Admit(HttpContext context)
    {
        using var late = new CancellationTokenSource(_options.HandshakeTimeout, _options.Time);
        try
        {
            var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.Zero }).ConfigureAwait(false);
            try
            {
                var session = await Handshake.AcceptAsync(socket, _self, _security.Secret, _roster.Admit, late.Token).ConfigureAwait(false);
                return (new Connection(socket, session, _options, Counters, new Inbox(() => _node, _options, Counters, _notice)), session);
            }
            catch (Exception error)
            {
                // Who proved that it knows the secret is to hear why it may not come in; an abort could overtake the answer.
                if (error is HandshakeException { Count: FabricCount.RefusedName }) await LetHear(socket, late.Token).ConfigureAwait(false);
                socket.Abort();
                throw;
            }
        }
        catch (HandshakeException refused)
        {
            Counters.Add(refused.Count);
            if (refused.Count != FabricCount.RefusedGarbage) _notice($"a node at {context.Connection.RemoteIpAddress} was turned away: {refused.Message}");
        }
        catch (OperationCanceledException)
        {
            Counters.Add(FabricCount.RefusedLate);
        }
        catch (Exception error) when (error is WebSocketException or IOException or InvalidOperationException)
        {
            Counters.Add(FabricCount.RefusedGarbage);
        }

        return (null, null);
    }

    // Waits for the other end to hang up, within the handshake's time.
    private static async Task LetHear(WebSocket socket, CancellationToken limit)
    {
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, limit).ConfigureAwait(false);
            await socket.ReceiveAsync(Memory<byte>.Empty, limit).ConfigureAwait(false);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException)
        {
            // It hung up, or did not in time.
        }
    }

    private async Task Watch()
    {
        try
        {
            using var timer = new PeriodicTimer(_options.RejoinGrace / 8, _options.Time);
            while (await timer.WaitForNextTickAsync(_closed.Token).ConfigureAwait(false)) _roster.Look();
        }
        catch (OperationCanceledException)
        {
            // The hub is closed.
        }
    }
}
