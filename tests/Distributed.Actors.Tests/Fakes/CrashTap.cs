using Distributed.Actors.Ports;

namespace Distributed.Actors.Tests.Fakes;

/// <summary>Counts messages by (actor, message type) and throws once at each planned one.</summary>
public sealed class CrashTap(params CrashAt[] plan) : IMessageTap
{
    private readonly object _gate = new();
    private readonly SortedDictionary<(string Actor, string Message), int> _seen = [];
    private readonly HashSet<CrashAt> _done = [];

    /// <summary>Called with every message, on the actor's thread, before anything else.</summary>
    public Action<string, string>? Watch { get; set; }

    public IReadOnlyDictionary<(string Actor, string Message), int> Seen
    {
        get
        {
            lock (_gate) return new SortedDictionary<(string, string), int>(_seen);
        }
    }

    public IReadOnlyCollection<CrashAt> Done
    {
        get
        {
            lock (_gate) return [.. _done];
        }
    }

    /// <summary>Waits until every planned crash has happened, or every message named has been seen.</summary>
    public void Await(params (string Actor, string Message)[] messages)
    {
        var limit = TimeSpan.FromSeconds(10);
        lock (_gate)
            while (_done.Count < plan.Length || messages.Any(message => !_seen.ContainsKey(message)))
                if (!Monitor.Wait(_gate, limit)) return; // the test will say what is missing
    }

    public void Before(string actor, object message)
    {
        var name = message is WireEnvelope envelope ? envelope.Message.GetType().Name : message.GetType().Name;
        Watch?.Invoke(actor, name);
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
            var count = _seen[(actor, name)] = _seen.GetValueOrDefault((actor, name)) + 1;
            foreach (var crash in plan)
            {
                if (crash.Actor != actor || crash.Message != name || count < crash.Nth || !_done.Add(crash)) continue;
                throw new InjectedCrashException($"injected at {crash}");
            }
        }
    }
}

/// <summary>Crash an actor at the n-th message of a type.</summary>
public sealed record CrashAt(string Actor, string Message, int Nth)
{
    public override string ToString() => $"{Actor} {Message} {Nth}";
}

public sealed class InjectedCrashException(string message) : Exception(message);
