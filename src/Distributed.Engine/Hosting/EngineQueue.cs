using System.Diagnostics;
using Distributed.Engine.Generation;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>
/// The engine's queue and the thread that works it off. Orders run one at a time in the order they came. Turns run all together in the
/// generation loop; an order that leaves the weights alone runs between two of their tokens, one that changes them waits until every
/// turn asked for before it has ended, and turns asked for after it wait for it. So which weights sample a turn follows
/// from the order of the calls alone. Loading weights waits for those turns only that are not partial rollouts, and runs between two tokens
/// of the others.
/// </summary>
internal sealed class EngineQueue
{
    private const int MostScoredTogether = 64;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private readonly object _gate;
    private readonly IEngineCore _core;
    private readonly GenerationLoop _loop;
    private readonly Func<long> _version;
    private readonly Queue<Order> _orders = new();
    private readonly Thread _thread;
    private int _changes;
    private bool _closed;
    private long _generateTicks;

    /// <param name="gate">The loop's lock.</param>
    /// <param name="core">Does the work; not owned.</param>
    /// <param name="loop">Samples; not owned.</param>
    /// <param name="version">The version of the weights.</param>
    public EngineQueue(object gate, IEngineCore core, GenerationLoop loop, Func<long> version)
    {
        (_gate, _core, _loop, _version) = (gate, core, loop, version);
        _thread = new Thread(Work) { IsBackground = true, Name = "engine" };
    }

    /// <summary>Time spent sampling.</summary>
    public double GenerateSeconds => Interlocked.Read(ref _generateTicks) / (double)Stopwatch.Frequency;

    public void Start() => _thread.Start();

    /// <summary>Takes a turn in; false if the queue is closed.</summary>
    public bool TryAdd(Turn turn)
    {
        lock (_gate)
        {
            if (_closed)
                return false;
            if (_changes > 0)
                _orders.Enqueue(new TurnOrder(turn));
            else
                _loop.Add(turn);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Takes an order in; false if the queue is closed.</summary>
    public bool TryAdd(Order order)
    {
        lock (_gate)
        {
            if (_closed)
                return false;
            _orders.Enqueue(order);
            if (order.Change != WeightChange.None)
                _changes++;
            if (_orders.Count == 1)
                LetIn(order);
            Monitor.PulseAll(_gate);
            return true;
        }
    }

    /// <summary>Forgets a sequence.</summary>
    public void Release(long sequence)
    {
        lock (_gate)
        {
            _loop.Release(sequence);
            foreach (var order in _orders)
            {
                if (order is TurnOrder { Turn: var turn } && turn.Request.Sequence == sequence)
                    turn.Fail($"sequence {sequence}: released before its request began");
            }
        }
    }

    /// <summary>Stops taking anything in, ends what runs at the next token or order, and answers the rest with an error.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _loop.Pause();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for the thread's end after <see cref="Close"/>; false if it did not come in time.</summary>
    public bool Join(TimeSpan limit) => _thread.Join(limit);

    private void Work()
    {
        while (Take(out var orders, out var samples))
        {
            if (orders.Count > 0)
                Run(orders);
            if (samples)
                Sample();
        }

        FailTheRest();
    }

    /// <summary>Waits for work: orders to run now, whether there are turns to go on with; false when closed.</summary>
    private bool Take(out List<Order> orders, out bool samples)
    {
        orders = [];
        lock (_gate)
        {
            while (!_closed)
            {
                TakeOrders(orders);
                samples = _loop.HasWork;
                if (orders.Count > 0 || samples)
                {
                    _loop.Resume();
                    LetIn(_orders.TryPeek(out var next) ? next : null);
                    return true;
                }

                Monitor.Wait(_gate, LongestWait);
            }
        }

        samples = false;
        return false;
    }

    private bool MayRun(Order order) => order.Change switch
    {
        WeightChange.None => true,
        WeightChange.BetweenTokens => !_loop.HasPinnedWork,
        _ => !_loop.HasWork,
    };

    // With an order waiting to run between tokens, sample one token only; with one that may soon, until then.
    private void LetIn(Order? next)
    {
        _loop.PausesWhenUnpinned = next?.Change == WeightChange.BetweenTokens;
        if (next is not null && MayRun(next))
            _loop.Pause();
    }

    /// <summary>Takes what may run now: one order, or several to score together.</summary>
    private void TakeOrders(List<Order> orders)
    {
        while (_orders.TryPeek(out var order))
        {
            if (order is TurnOrder { Turn: var turn })
            {
                _orders.Dequeue();
                _loop.Add(turn);
                continue;
            }

            if (!MayRun(order) || orders.Count > 0 && (order is not ScoreOrder || orders[0] is not ScoreOrder) || orders.Count == MostScoredTogether)
                return;
            _orders.Dequeue();
            orders.Add(order);
            if (order.Change != WeightChange.None)
                _changes--;
        }
    }

    private void Run(List<Order> orders)
    {
        try
        {
            if (orders[0] is WorkOrder order)
                _core.Measure(order.Kind, order.Run);
            else
                Score([.. orders.Cast<ScoreOrder>()]);
        }
        catch (Exception error)
        {
            foreach (var order in orders)
                order.Fail(new EngineError($"The engine failed: {error.GetType().Name}: {error.Message.ReplaceLineEndings(" ")}"));
        }
    }

    private void Score(ScoreOrder[] orders)
    {
        ScoreReply[] replies = [];
        _core.Measure(WorkKind.Score, () => replies = _core.Score([.. orders.Select(order => order.Request)], _version()));
        for (var i = 0; i < orders.Length; i++)
            orders[i].Answer(replies[i]);
    }

    private void Sample()
    {
        var start = Stopwatch.GetTimestamp();
        _loop.Open();
        _core.Run(_loop.Run);
        Interlocked.Add(ref _generateTicks, Stopwatch.GetTimestamp() - start);
    }

    private void FailTheRest()
    {
        var error = new EngineError("The engine was closed before the request was done.");
        List<Turn> turns;
        Order[] orders;
        lock (_gate)
        {
            turns = _loop.FailAll(error.Message);
            orders = [.. _orders];
            _orders.Clear();
        }

        foreach (var turn in turns)
            turn.Answer(turn.ToReply());
        foreach (var order in orders)
            order.Fail(error);
    }
}
