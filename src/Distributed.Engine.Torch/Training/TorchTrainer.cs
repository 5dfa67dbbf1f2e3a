using Distributed.Engine.Torch.Hosting;
using Distributed.Engine.Torch.Model;
using Distributed.Engine.Training;
using Distributed.Ports;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Training;

/// <summary>
/// Training steps: passes of a bounded number of tokens one after the other, their gradients added up on the device, then one optimizer step. A step changes
/// everything or nothing.
/// </summary>
internal sealed class TorchTrainer : IDisposable
{
    private const long MostSquared = 1L << 22;
    private readonly TorchModel _model;
    private readonly TorchParameters _parameters;
    private readonly PassLimit _limit;
    private readonly TorchAdamW _optimizer;

    /// <param name="model">The model; not owned.</param>
    /// <param name="limit">Most tokens of a pass.</param>
    public TorchTrainer(TorchModel model, PassLimit limit)
    {
        (_model, _parameters, _limit) = (model, model.Trained, limit);
        _parameters.PrepareTraining();
        _optimizer = new TorchAdamW(_parameters.Count, model.Device);
    }

    /// <summary>One forward, backward and optimizer step; changes the weights, or changes nothing.</summary>
    public TrainReply Step(TrainRequest request)
    {
        if (request.Sequences.Count == 0)
            return Failed("There is no sequence to train on.");
        if (SequenceRows.Complaint(request.Sequences, _model.Config, _model.ContextLength) is { } complaint)
            return Failed(complaint);
        if (StepCheck.Complaint(request.Optimizer) is { } wrong)
            return Failed(wrong);

        var record = Accumulate(request, out var refusal);
        if (record is null)
            return Failed(refusal!);
        using var quiet = no_grad();
        var loss = record.Losses.Sum();
        var norm = Norm();
        var applied = double.IsFinite(loss) && double.IsFinite(norm);
        if (applied)
        {
            var scale = request.Optimizer.MaxGradNorm > 0 ? (float)Math.Min(1.0, request.Optimizer.MaxGradNorm / (norm + 1e-6)) : 1f;
            _optimizer.Update(_parameters, request.Optimizer, scale);
            _parameters.Changed();
        }

        var targets = record.LogProbs.Sum(logProbs => (long)logProbs.Length);
        return new TrainReply(applied, loss, norm, targets == 0 ? 0 : record.Entropies.Sum() / targets, record.LogProbs);
    }

    /// <summary>Sums up the gradients of a request in the parameters' gradient; null, and why, if it does not fit into memory.</summary>
    public StepRecord? Accumulate(TrainRequest request, out string? refusal)
    {
        refusal = null;
        while (true)
        {
            using (no_grad())
                _parameters.Gradient!.zero_();
            var record = new StepRecord(request.Sequences.Count);
            PackedPass? tried = null;
            try
            {
                foreach (var (pass, members) in Passes.Of(request.Sequences, _limit.Most))
                {
                    tried = pass;
                    Run(request, pass, members, record);
                }

                return record;
            }
            catch (Exception error) when (PassLimit.IsOutOfMemory(error))
            {
                GC.Collect();
                var longest = request.Sequences.Max(SequenceRows.Of);
                if (_limit.Halve(tried?.Rows ?? longest, longest))
                    continue;
                refusal = $"The device's memory does not hold one sequence of {longest} tokens; use shorter ones, bfloat16 or a device with more.";
                return null;
            }
        }
    }

    /// <summary>A copy of the optimizer's state.</summary>
    public OptimizerState ReadOptimizer() => _optimizer.Read();

    /// <summary>Replaces the optimizer's state; null resets it.</summary>
    public EngineError? LoadOptimizer(OptimizerState? state) => _optimizer.Load(state);

    public void Dispose() => _optimizer.Dispose();

    private static TrainReply Failed(string message) => new(false, 0, 0, 0, [], new EngineError(message));

    private void Run(TrainRequest request, PackedPass pass, IReadOnlyList<int> members, StepRecord record)
    {
        using var scope = NewDisposeScope();
        if (pass.Targets == 0)
        {
            Evaluate(request, members, [], [], record);
            return;
        }

        _limit.Before?.Invoke(pass.Rows);
        using var attention = new PackedAttention(pass, _model.Device);
        var targets = pass.TargetTokens(_model.Device);
        var hidden = _model.Decoder.Forward(pass.Tokens(_model.Device), pass.Positions(_model.Device), attention, pass.TargetRows(_model.Device));
        Tensor gradient;
        using (no_grad())
        {
            var last = hidden.detach();
            var (logProbs, entropies) = _model.Head.Forward(last, targets);
            gradient = _model.Head.Backward(last, targets, Evaluate(request, members, logProbs, entropies, record), _model.TrainsHead);
        }

        hidden.backward([gradient]);
    }

    private static float[] Evaluate(TrainRequest request, IReadOnlyList<int> members, float[] logProbs, float[] entropies, StepRecord record)
    {
        var gradients = new float[logProbs.Length];
        var at = 0;
        foreach (var index in members)
        {
            var length = request.Sequences[index].Targets.Length;
            record.LogProbs[index] = logProbs.AsMemory(at, length).ToArray();
            record.Losses[index] = request.Loss.Evaluate(index, logProbs.AsSpan(at, length), gradients.AsSpan(at, length));
            foreach (var entropy in entropies.AsSpan(at, length))
                record.Entropies[index] += entropy;
            at += length;
        }

        return gradients;
    }

    private double Norm()
    {
        using var scope = NewDisposeScope();
        var sum = zeros(1, ScalarType.Float64, _model.Device);
        for (long at = 0; at < _parameters.Count; at += MostSquared)
        {
            using var part = NewDisposeScope();
            var values = _parameters.Gradient!.narrow(0, at, Math.Min(MostSquared, _parameters.Count - at)).to(ScalarType.Float64);
            sum.add_((values * values).sum());
        }

        return Math.Sqrt(sum.cpu().item<double>());
    }
}
