using Akka.Actor;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Http;

/// <summary>
/// The way from a node's connections to its actors. A connection that is more than two windows ahead of the actors is not read until they have
/// caught up, so that what a node holds in memory is bounded by the senders' own queues. One for each connection.
/// </summary>
internal sealed class Inbox(Func<IActorRef?> node, HttpFabricOptions options, FabricCounters counters, Action<string> notice)
{
    private const int WindowBytes = 8 * 1024 * 1024;
    private int _messages;
    private int _bytes;
    private Task _reached = Task.CompletedTask;

    /// <summary>A line for people.</summary>
    public void Notice(string line) => notice(line);

    /// <summary>Hands a message over; completes when the next may be read.</summary>
    public async ValueTask Deliver(NodeId from, IWireMessage message, int bytes)
    {
        if (node() is not { } actor)
        {
            counters.Add(FabricCount.DroppedNobodyHere);
            return;
        }

        counters.Add(FabricCount.MessagesReceived);
        actor.Tell(new WireEnvelope(from, message));
        _messages++;
        _bytes += bytes;
        if (_messages < options.FlowWindow && _bytes < WindowBytes) return;
        (_messages, _bytes) = (0, 0);
        var before = _reached;
        var mark = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _reached = mark.Task;
        actor.Tell(new FlowMark(() => mark.TrySetResult()));
        if (before.IsCompleted) return;
        counters.Add(FabricCount.FlowWaits);
        await Task.WhenAny(before, Task.Delay(options.FlowTimeout, options.Time)).ConfigureAwait(false);
    }
}
