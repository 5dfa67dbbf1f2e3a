using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Http;

/// <summary>
/// Who is here, as the hub sees it. Every change is reported under the lock, so that the reports come in the order in which things happened.
/// </summary>
internal sealed class Roster(HttpFabricOptions options, string run, Action<object> report)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<NodeId, Member> _members = [];

    private sealed class Member(Session session)
    {
        public Session Session { get; set; } = session;
        public Connection? Connection { get; set; }
        public long LostAt { get; set; }
        public bool IsReportedUnreachable { get; set; }
    }

    public IReadOnlyList<Membership> Members
    {
        get
        {
            lock (_gate)
                return [.. _members.Values.Select(member => new Membership(member.Session.Peer.Node, member.Session.Incarnation, member.Session.Peer.Address, member.Connection != null))];
        }
    }

    public IReadOnlyList<Connection> Connections
    {
        get
        {
            lock (_gate) return [.. _members.Values.Select(member => member.Connection).OfType<Connection>()];
        }
    }

    public Connection? ConnectionOf(NodeId node)
    {
        lock (_gate) return _members.GetValueOrDefault(node)?.Connection;
    }

    /// <summary>Whether a node that has proved itself may come in, and under which incarnation.</summary>
    public (long Incarnation, string? Refusal) Admit(Hello hello)
    {
        if (hello.Run.Length > 0 && hello.Run != run) return (0, "this learner trains another run than the node was set up for; start the node again");
        lock (_gate)
        {
            if (!_members.TryGetValue(hello.Node, out var known))
                return _members.Count < options.MostNodes ? (hello.Incarnation, null) : (0, $"the cluster has {options.MostNodes} nodes already");
            if (known.Session.Peer.Instance == hello.Instance) return (known.Session.Incarnation, null);
            // Another process under the same name: the later life wins, and a dead one cannot object.
            if (hello.Incarnation > known.Session.Incarnation) return (hello.Incarnation, null);
            return known.Connection == null
                ? (known.Session.Incarnation + 1, null)
                : (0, $"a later node is called {hello.Node} too; give each node a --name of its own");
        }
    }

    /// <summary>A node is connected.</summary>
    public void Connected(Session session, Connection connection)
    {
        lock (_gate)
        {
            if (_members.TryGetValue(session.Peer.Node, out var member))
            {
                if (member.Session.Peer.Instance != session.Peer.Instance && member.Session.Incarnation >= session.Incarnation)
                {
                    // Overtaken by a later life between admission and here.
                    connection.Abort();
                    return;
                }

                member.Connection?.Abort();
                if (member.Session.Peer.Instance != session.Peer.Instance)
                {
                    report(new NodeLeft(session.Peer.Node));
                    report(new NodeJoined(session.Peer.Node));
                }
                else if (member.IsReportedUnreachable)
                {
                    report(new NodeJoined(session.Peer.Node));
                }
            }
            else
            {
                member = new Member(session);
                _members.Add(session.Peer.Node, member);
                report(new NodeJoined(session.Peer.Node));
            }

            member.Session = session;
            member.Connection = connection;
            member.IsReportedUnreachable = false;
        }
    }

    /// <summary>A connection is over.</summary>
    public void Disconnected(Session session, Connection connection, ConnectionEnd end)
    {
        lock (_gate)
        {
            if (!_members.TryGetValue(session.Peer.Node, out var member) || member.Connection != connection) return; // replaced by a newer one
            member.Connection = null;
            member.LostAt = options.Time.GetTimestamp();
            if (end == ConnectionEnd.Goodbye)
            {
                _members.Remove(session.Peer.Node);
                report(new NodeLeft(session.Peer.Node));
            }
            else if (end == ConnectionEnd.Silent)
            {
                member.IsReportedUnreachable = true; // it has had its time
                report(new NodeUnreachable(session.Peer.Node));
            }
        }
    }

    /// <summary>Time has passed: who is away too long?</summary>
    public void Look()
    {
        lock (_gate)
        {
            foreach (var (node, member) in _members.Where(entry => entry.Value.Connection == null).ToArray())
            {
                var away = options.Time.GetElapsedTime(member.LostAt);
                if (!member.IsReportedUnreachable && away >= options.RejoinGrace)
                {
                    member.IsReportedUnreachable = true;
                    report(new NodeUnreachable(node));
                }

                if (away < options.ForgetAfter) continue;
                _members.Remove(node);
                report(new NodeLeft(node));
            }
        }
    }

    /// <summary>Somebody new listens: says again who is here.</summary>
    public void Repeat()
    {
        lock (_gate)
        {
            foreach (var (node, member) in _members)
            {
                if (!member.IsReportedUnreachable) report(new NodeJoined(node));
            }
        }
    }
}
