using System.Net.Sockets;
using System.Net.WebSockets;
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Http;

/// <summary>What a member is.</summary>
/// <param name="Self">Its name.</param>
/// <param name="Learner">The learner's node, which it dials.</param>
/// <param name="Join">Where that is: http://host:port or https://host:port.</param>
public sealed record MemberIdentity(NodeId Self, NodeId Learner, Uri Join)
{
    /// <summary>Where this node's own HTTP endpoint is, for others; empty if it has none.</summary>
    public string Address { get; init; } = "";

    /// <summary>The run it was set up for; empty: any.</summary>
    public string Run { get; init; } = "";
}

/// <summary>
/// A rollout or scorer node's end of the `http` fabric: it dials the learner's node, and dials again, with growing pauses, whenever the
/// connection is lost. It reaches no other node but the learner's and itself.
/// </summary>
public sealed class HttpMember : IFabric, IAsyncDisposable
{
    private const int MostTurnedAway = 5;
    private static readonly TimeSpan GoodbyeLimit = TimeSpan.FromSeconds(2);
    private readonly MemberIdentity _identity;
    private readonly HttpSecurity _security;
    private readonly HttpFabricOptions _options;
    private readonly Action<string> _notice;
    private readonly Hello _hello;
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource<MemberEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _dialling;
    private readonly TaskCompletionSource _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IActorRef? _node;
    private volatile Connection? _connection;
    private int _turnedAway;
    private string _said = "";

    /// <summary>A member; it dials as soon as an actor is attached.</summary>
    public HttpMember(MemberIdentity identity, HttpSecurity security, HttpFabricOptions options, Action<string> notice)
    {
        if (!Hello.IsName(identity.Self.Value)) throw new ArgumentException($"'{identity.Self}' is no name for a node; use at most {Hello.LongestName} letters, digits, '-', '_' and '.'");
        if (identity.Address.Length > Hello.LongestAddress) throw new ArgumentException($"the node's address is longer than {Hello.LongestAddress} letters");
        _identity = identity;
        _security = security;
        _options = options;
        _notice = notice;
        _hello = new Hello(identity.Self, Instance.New(), options.Time.GetUtcNow().ToUnixTimeMilliseconds(), identity.Address, identity.Run);
        _dialling = Dial();
    }

    /// <inheritdoc/>
    public NodeId Self => _identity.Self;

    /// <summary>What was carried, dropped and refused.</summary>
    public FabricCounters Counters { get; } = new();

    /// <summary>Whether the learner's node is connected.</summary>
    public bool IsConnected => _connection != null;

    /// <summary>Completes when there is nothing to dial for any more.</summary>
    public Task<MemberEnd> Ended => _ended.Task;

    /// <inheritdoc/>
    public void Tell(NodeId to, IWireMessage message)
    {
        if (to == Self) _node?.Tell(new WireEnvelope(Self, message));
        else if (to == _identity.Learner && _connection is { } connection) connection.TrySend(Frame.Of(WireCodec.ManifestOf(message), WireCodec.Encode(message)));
        else Counters.Add(FabricCount.DroppedNotConnected);
    }

    /// <inheritdoc/>
    public void Attach(IActorRef node)
    {
        _node = node;
        if (!_attached.TrySetResult() && IsConnected) node.Tell(new NodeJoined(_identity.Learner));
    }

    /// <summary>Says goodbye and dials no more.</summary>
    public async Task LeaveAsync()
    {
        if (_closed.IsCancellationRequested) return;
        if (_connection is { } connection) await connection.CloseAsync("leaving", GoodbyeLimit).ConfigureAwait(false);
        await DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the connection without a word, as a crash would.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync().ConfigureAwait(false);
        _connection?.Abort();
        await _dialling.ConfigureAwait(false);
        _ended.TrySetResult(new MemberEnd("this node has left", IsFailure: false));
    }

    private async Task Dial()
    {
        var presence = new HubPresence(_identity.Learner, message => _node?.Tell(message));
        try
        {
            await _attached.Task.WaitAsync(_closed.Token).ConfigureAwait(false);
            var alone = _options.Time.GetTimestamp();
            var pause = _options.RedialFirst;
            while (!_closed.IsCancellationRequested)
            {
                var (end, reason) = await Once(presence).ConfigureAwait(false);
                if (end is { } known && known != ConnectionEnd.Closed)
                {
                    presence.Lost(isSilent: known == ConnectionEnd.Silent);
                    (alone, pause) = (_options.Time.GetTimestamp(), _options.RedialFirst);
                    if (known == ConnectionEnd.Goodbye)
                    {
                        presence.Left();
                        _ended.TrySetResult(new MemberEnd(reason, IsFailure: false));
                        return;
                    }
                }
                else if (end is null && reason.Length > 0)
                {
                    _ended.TrySetResult(new MemberEnd(reason, IsFailure: true));
                    return;
                }

                var away = _options.Time.GetElapsedTime(alone);
                if (away >= _options.RejoinGrace) presence.Missed();
                if (away >= _options.GiveUpAfter)
                {
                    _ended.TrySetResult(new MemberEnd($"the learner's node at {_identity.Join} has not answered for {_options.GiveUpAfter.TotalSeconds:0} s", IsFailure: true));
                    return;
                }

                await Task.Delay(pause, _options.Time, _closed.Token).ConfigureAwait(false);
                pause = pause * 2 < _options.RedialLongest ? pause * 2 : _options.RedialLongest;
            }
        }
        catch (OperationCanceledException)
        {
            // Closed.
        }
    }

    // One connection from dialling to its end. No end: it did not come to one, for good if a reason is given.
    private async Task<(ConnectionEnd? End, string Reason)> Once(HubPresence presence)
    {
        using var late = new CancellationTokenSource(_options.HandshakeTimeout, _options.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _closed.Token);
        using var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = TimeSpan.Zero;
        using var invoker = new HttpMessageInvoker(_security.CreateHandler());
        try
        {
            var address = new UriBuilder(_identity.Join) { Scheme = _identity.Join.Scheme == Uri.UriSchemeHttps ? "wss" : "ws", Path = HttpHub.Path }.Uri;
            await socket.ConnectAsync(address, invoker, limit.Token).ConfigureAwait(false);
            var session = await Handshake.JoinAsync(socket, _hello, _security.Secret, limit.Token).ConfigureAwait(false);
            if (session.Peer.Node != _identity.Learner) return (null, $"{_identity.Join} is node {session.Peer.Node}, not {_identity.Learner}");
            var connection = new Connection(socket, session, _options, Counters, new Inbox(() => _node, _options, Counters, _notice));
            _connection = connection;
            (_turnedAway, _said) = (0, "");
            presence.Met(session.Peer.Instance);
            if (_closed.IsCancellationRequested) connection.Abort();
            var end = await connection.RunAsync().ConfigureAwait(false);
            _connection = null;
            return (end, connection.Goodbye);
        }
        catch (HandshakeException refused)
        {
            Counters.Add(refused.Count);
            var line = $"{_identity.Join}: {refused.Message}";
            if (line != _said) _notice(line); // once, not at every attempt
            _said = line;
            _turnedAway = refused.Count == FabricCount.RefusedSecret ? _turnedAway + 1 : 0;
            return (null, refused.IsFinal || _turnedAway >= MostTurnedAway ? line : "");
        }
        catch (Exception error) when (error is WebSocketException or SocketException or OperationCanceledException or IOException or HttpRequestException or InvalidOperationException)
        {
            presence.Failed = error.GetBaseException().Message;
            return (null, "");
        }
    }
}

/// <summary>Why a member dials no more.</summary>
/// <param name="Reason">One line.</param>
/// <param name="IsFailure">It was not meant to end.</param>
public sealed record MemberEnd(string Reason, bool IsFailure);

/// <summary>What a member has told its actors of the hub.</summary>
internal sealed class HubPresence(NodeId hub, Action<object> report)
{
    private Instance? _instance;
    private bool _isHere;

    /// <summary>Why the last attempt came to nothing.</summary>
    public string Failed { get; set; } = "";

    public void Met(Instance instance)
    {
        if (_instance is { } before && before != instance)
        {
            report(new NodeLeft(hub));
            _isHere = false;
        }

        _instance = instance;
        if (!_isHere) report(new NodeJoined(hub));
        _isHere = true;
    }

    public void Lost(bool isSilent)
    {
        if (isSilent) Missed();
    }

    public void Missed()
    {
        if (_isHere) report(new NodeUnreachable(hub));
        _isHere = false;
    }

    public void Left()
    {
        report(new NodeLeft(hub));
        _isHere = false;
        _instance = null;
    }
}
