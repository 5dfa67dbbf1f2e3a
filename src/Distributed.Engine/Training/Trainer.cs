using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Training;

/// <summary>
/// Training steps on all threads of a pool. Sequences are dealt out to threads by their lengths alone and gradients are added in the order of the
/// threads, so a step is the same to the bit for the same number of threads. One caller at a time, and nothing else may read
/// the model while a step runs.
/// </summary>
internal sealed unsafe class Trainer : IDisposable
{
    private const int ChunkFloats = 1 << 14;
    private readonly PackedModel _model;
    private readonly ComputePool _pool;
    private readonly ITrainedParameters _parameters;
    private readonly TrainWorker[] _workers;
    private readonly AdamW _optimizer;
    private readonly double[] _squares;
    private readonly int[] _bounds;

    /// <param name="model">The model to train; not owned.</param>
    /// <param name="pool">Threads to train with; not owned.</param>
    /// <param name="parameters">What to train, all of the model's unless something else is said; not owned.</param>
    public Trainer(PackedModel model, ComputePool pool, ITrainedParameters? parameters = null)
    {
        _model = model;
        _pool = pool;
        _parameters = parameters ?? new AllParameters(model);
        _parameters.PrepareBackward();
        _workers = new TrainWorker[pool.Threads];
        for (var i = 0; i < _workers.Length; i++)
            _workers[i] = new TrainWorker(model, _parameters.NewGradients());
        _optimizer = new AdamW(_parameters.Flat.Count);
        _squares = new double[(_parameters.Flat.Count + ChunkFloats - 1) / ChunkFloats];
        _bounds = new int[pool.Threads + 1];
    }

    /// <summary>One forward, backward and optimizer step; changes the weights and packs them anew, or changes nothing.</summary>
    public TrainReply Step(TrainRequest request)
    {
        if (request.Sequences.Count == 0)
            return Failed("There is no sequence to train on.");
        if (SequenceRows.Complaint(request.Sequences, _model.Config, _model.ContextLength) is { } complaint)
            return Failed(complaint);
        if (StepCheck.Complaint(request.Optimizer) is { } wrong)
            return Failed(wrong);

        var record = new StepRecord(request.Sequences.Count);
        Deal(request.Sequences);
        try
        {
            _pool.Run(thread => _workers[thread].Run(request, _bounds[thread], _bounds[thread + 1], record));
        }
        catch (Exception e)
        {
            Clear();
            return Failed($"The step failed: {e.Message}");
        }

        var loss = record.Losses.Sum();
        var norm = SumGradients();
        var applied = double.IsFinite(loss) && double.IsFinite(norm);
        if (applied)
            Update(request.Optimizer, norm);
        else
            Clear();
        var targets = record.LogProbs.Sum(logProbs => (long)logProbs.Length);
        return new TrainReply(applied, loss, norm, targets == 0 ? 0 : record.Entropies.Sum() / targets, record.LogProbs);
    }

    /// <summary>A copy of the optimizer's state.</summary>
    public OptimizerState ReadOptimizer() => _optimizer.Read();

    /// <summary>Replaces the optimizer's state; null resets it. Returns what is wrong with it, then nothing is changed.</summary>
    public EngineError? LoadOptimizer(OptimizerState? state) => _optimizer.Load(state);

    public void Dispose()
    {
        foreach (var worker in _workers)
            worker.Dispose();
        _optimizer.Dispose();
    }

    /// <summary>The summed gradient of the last request, without a step; for checks against references.</summary>
    internal double Accumulate(TrainRequest request, Span<float> gradient, out double loss)
    {
        var record = new StepRecord(request.Sequences.Count);
        Deal(request.Sequences);
        _pool.Run(thread => _workers[thread].Run(request, _bounds[thread], _bounds[thread + 1], record));
        loss = record.Losses.Sum();
        var norm = SumGradients();
        new Span<float>(_workers[0].Gradient, gradient.Length).CopyTo(gradient);
        Clear();
        return norm;
    }

    private static TrainReply Failed(string message) => new(false, 0, 0, 0, [], new EngineError(message));

    // Thread t gets the sequences whose middle row falls into its equal share of all rows.
    private void Deal(IReadOnlyList<TrainSequence> sequences)
    {
        long all = 0, before = 0;
        foreach (var sequence in sequences)
            all += SequenceRows.Of(sequence);
        var thread = 0;
        for (var i = 0; i < sequences.Count; i++)
        {
            var rows = SequenceRows.Of(sequences[i]);
            while (thread < _workers.Length - 1 && ((2 * before) + rows) * _workers.Length > 2 * all * (thread + 1))
                _bounds[++thread] = i;
            before += rows;
        }

        while (thread < _workers.Length)
            _bounds[++thread] = sequences.Count;
    }

    private double SumGradients()
    {
        var count = _parameters.Flat.Count;
        _pool.Run(thread =>
        {
            for (var chunk = thread; chunk < _squares.Length; chunk += _workers.Length)
            {
                var start = (long)chunk * ChunkFloats;
                var length = (int)Math.Min(ChunkFloats, count - start);
                for (var other = 1; other < _workers.Length; other++)
                    GradientSum.Move(_workers[other].Gradient, _workers[0].Gradient, start, length);
                _squares[chunk] = GradientSum.Squares(_workers[0].Gradient, start, length);
            }
        });
        return Math.Sqrt(_squares.Sum());
    }

    private void Update(OptimizerOptions options, double norm)
    {
        var scale = options.MaxGradNorm > 0 ? (float)Math.Min(1.0, options.MaxGradNorm / (norm + 1e-6)) : 1f;
        var count = _parameters.Flat.Count;
        _optimizer.Advance();
        _pool.Run(thread =>
        {
            for (var chunk = thread; chunk < _squares.Length; chunk += _workers.Length)
            {
                var start = (long)chunk * ChunkFloats;
                _optimizer.Update(
                    _parameters.Flat.Pointer, _workers[0].Gradient, start, (int)Math.Min(ChunkFloats, count - start), options, scale);
            }
        });
        _pool.Run(thread =>
        {
            for (var part = thread; part < _parameters.PartCount; part += _workers.Length)
                _parameters.RepackPart(part);
        });
    }

    private void Clear()
    {
        foreach (var worker in _workers)
            worker.Clear();
    }
}
