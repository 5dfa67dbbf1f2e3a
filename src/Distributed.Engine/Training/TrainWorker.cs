using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Training;

/// <summary>One thread's part of a training step: forward, loss and backward of its sequences, a few at a time, into its own gradient.</summary>
internal sealed unsafe class TrainWorker : IDisposable
{
    private readonly PackedModel _model;
    private readonly RowPlan _plan = new();
    private readonly Activations _activations;
    private readonly HeadPass _head;
    private readonly DecoderBackward _backward;
    private readonly ParameterGradients _gradient;
    private int[] _targets = [];
    private float[] _logProbs = [];
    private float[] _entropies = [];
    private float[] _dLogProbs = [];

    /// <param name="model">The model; not owned.</param>
    /// <param name="gradient">Where gradients are summed; taken over.</param>
    public TrainWorker(PackedModel model, ParameterGradients gradient)
    {
        _model = model;
        _activations = new Activations(model.Config, keepAll: true);
        _head = new HeadPass(model);
        _backward = new DecoderBackward(model);
        _gradient = gradient;
    }

    /// <summary>Sum of the gradients since it was last cleared, in the layout of the trained parameters.</summary>
    public float* Gradient => _gradient.Pointer;

    /// <summary>Adds the gradients of sequences [first, end).</summary>
    public void Run(TrainRequest request, int first, int end, StepRecord record)
    {
        while (first < end)
        {
            _plan.Clear();
            var next = first;
            for (; next < end; next++)
            {
                var rows = SequenceRows.Of(request.Sequences[next]);
                if (_plan.Rows > 0 && _plan.Rows + rows > SequenceRows.PerPass)
                    break;
                if (rows > 0)
                    SequenceRows.Add(_plan, request.Sequences[next]);
            }

            Pass(request, first, next, record);
            first = next;
        }
    }

    /// <summary>Forgets gradients of a step that was not applied.</summary>
    public void Clear() => _gradient.Clear();

    public void Dispose()
    {
        _activations.Dispose();
        _head.Dispose();
        _backward.Dispose();
        _gradient.Dispose();
    }

    private void Pass(TrainRequest request, int first, int end, StepRecord record)
    {
        _plan.Seal();
        var count = _plan.ActiveCount;
        Reserve(count);
        var at = 0;
        for (var i = first; i < end; i++)
            foreach (var target in request.Sequences[i].Targets.Span)
                _targets[at++] = request.Sequences[i].Tokens.Span[target];

        if (count > 0)
        {
            Decoder.Forward(_model, _plan, _activations);
            _head.Forward(_activations.Final, count, _targets.AsSpan(0, count), _logProbs, _entropies);
        }

        Evaluate(request, first, end, record);
        if (count == 0)
            return;
        var dFinal = _backward.FinalGradient(_plan.Rows);
        _head.Backward(
            _activations.Final, count, _targets.AsSpan(0, count), _dLogProbs, dFinal, _gradient.Head);
        _backward.Run(_plan, _activations, _gradient);
    }

    private void Evaluate(TrainRequest request, int first, int end, StepRecord record)
    {
        var at = 0;
        for (var i = first; i < end; i++)
        {
            var length = request.Sequences[i].Targets.Length;
            var logProbs = _logProbs.AsSpan(at, length);
            record.LogProbs[i] = logProbs.ToArray();
            var gradient = _dLogProbs.AsSpan(at, length);
            gradient.Clear();
            record.Losses[i] = request.Loss.Evaluate(i, logProbs, gradient);
            double entropy = 0;
            foreach (var value in _entropies.AsSpan(at, length))
                entropy += value;
            record.Entropies[i] = entropy;
            at += length;
        }
    }

    private void Reserve(int targets)
    {
        if (targets <= _targets.Length)
            return;
        var size = Math.Max(targets, _targets.Length * 2);
        _targets = new int[size];
        _logProbs = new float[size];
        _entropies = new float[size];
        _dLogProbs = new float[size];
    }
}
