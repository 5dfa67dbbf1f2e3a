using Distributed.Actors.Ports;

namespace Distributed.Simulation.Runs;

/// <summary>Sees every message of one process: traces it, checks it, and crashes actors as planned.</summary>
internal sealed class NodeTap(SimulatedNode node, SimulatedProcess process, RunJournal journal, Action<SimulatedNode, string, object> check) : IMessageTap
{
    public void Before(string actor, object message)
    {
        if (!process.IsAlive) journal.Violate("simulator", $"{actor} of {process.Root} handled a message after its process was killed");
        var name = message is WireEnvelope envelope ? envelope.Message.GetType().Name : message.GetType().Name;
        journal.Trace(actor);
        journal.Trace(name, (ulong)node.Id.Value.Length);
        journal.Detail(node.Id.Value, $"{actor} handles {name}{(message is WireEnvelope wire ? ": " + Network.SimulatedNetwork.Describe(wire.Message) : "")}");
        check(node, actor, message);
        if (node.Crashes.Count == 0) return;
        foreach (var crash in node.Crashes)
        {
            if (crash.Actor != actor || --crash.Left > 0) continue;
            node.Crashes.Remove(crash);
            journal.Count($"fault:actor-crash:{actor}");
            journal.Say(node.Id.Value, $"{actor} crashes at {name}");
            throw new InjectedCrashException($"simulated: {actor} crashed at {name}");
        }
    }
}
