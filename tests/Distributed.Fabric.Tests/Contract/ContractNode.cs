using System.Collections.Concurrent;
using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Contract;

/// <summary>A node in a contract test: a fabric and everything its actor was told, in order.</summary>
public sealed class ContractNode
{
    /// <summary>Longest wait for anything.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly ConcurrentQueue<object> _told = new();
    private volatile TaskCompletionSource? _blocked;

    /// <summary>A node whose actor lives in <paramref name="system"/>.</summary>
    public ContractNode(ActorSystem system, IFabric fabric)
    {
        Fabric = fabric;
        fabric.Attach(system.ActorOf(Props.Create(() => new Probe(this))));
    }

    public IFabric Fabric { get; }

    public NodeId Id => Fabric.Self;

    public IReadOnlyList<object> Told => [.. _told];

    /// <summary>Messages received, in order.</summary>
    public IReadOnlyList<WireEnvelope> Messages => [.. _told.OfType<WireEnvelope>()];

    /// <summary>Numbers of the messages that <see cref="Number"/> made, in the order in which they came.</summary>
    public IReadOnlyList<long> Numbers => [.. Messages.Select(envelope => envelope.Message).OfType<PolicyWanted>().Select(wanted => wanted.Version.Value)];

    /// <summary>A small message with a number.</summary>
    public static PolicyWanted Number(long number) => new(new NodeId("x"), new LearnerEpoch(1), new PolicyVersion(number));

    /// <summary>A message of about so many bytes.</summary>
    public static LeaseFailed OfSize(int bytes) => new(new LeaseId(1), new LearnerEpoch(1), new NodeId("x"), new string('r', bytes), Declined: false);

    public void Tell(ContractNode to, IWireMessage message) => Fabric.Tell(to.Id, message);

    /// <summary>What it was told of a node: joined, unreachable, left.</summary>
    public IReadOnlyList<string> Membership(ContractNode other) => [.. _told.Select(message => message switch
    {
        NodeJoined joined when joined.Node == other.Id => "joined",
        NodeUnreachable gone when gone.Node == other.Id => "unreachable",
        NodeLeft left when left.Node == other.Id => "left",
        _ => "",
    }).Where(word => word.Length > 0)];

    /// <summary>The actor stops taking messages until the result is disposed.</summary>
    public IDisposable Block()
    {
        var blocked = new TaskCompletionSource();
        _blocked = blocked;
        return new Unblock(() =>
        {
            _blocked = null;
            blocked.TrySetResult();
        });
    }

    /// <summary>Waits until something holds, looking often; fails with what was told if it never does.</summary>
    public async Task Until(Func<bool> holds, string what)
    {
        var until = DateTime.UtcNow + Limit;
        while (!holds())
        {
            if (DateTime.UtcNow > until) Assert.Fail($"{Id}: not within {Limit.TotalSeconds} s: {what}; told: {string.Join(", ", Told.TakeLast(20))}");
            await Task.Delay(5);
        }
    }

    private sealed class Unblock(Action action) : IDisposable
    {
        public void Dispose() => action();
    }

    private sealed class Probe(ContractNode owner) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            owner._blocked?.Task.Wait(Limit);
            if (message is FlowMark mark) mark.Reached();
            else owner._told.Enqueue(message);
        }
    }
}
