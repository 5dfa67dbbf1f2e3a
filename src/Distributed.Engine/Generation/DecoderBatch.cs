using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Generation;

/// <summary>
/// Runs single positions of many sequences through the decoder together: fed prompt tokens and freshly sampled ones alike are rows of the
/// same matrix products, each at its own position of its own sequence. With few rows the threads of a team share every phase: the products by
/// columns, so that each weight is read once, and attention by sequence and head. With many rows each thread takes blocks of them through the
/// whole decoder (<see cref="RowBlocks"/>), and none waits for another before the end. The model is only read.
/// </summary>
internal sealed unsafe class DecoderBatch : IStepBatch, IPhasedWork
{
    private const int Panel = PackedMatrix.PanelWidth;

    private readonly PackedModel _model;
    private readonly ModelConfig _config;
    private readonly StepTeam _team;
    private readonly RowAttention _attention;
    private readonly BatchRows _rows;
    private readonly BatchBuffers _buffers;
    private readonly RowBlocks? _blocks;
    private readonly long[] _normedIn;
    private Phase _phase;
    private PackedLayer _layer;
    private int _index;

    /// <summary>Takes memory for a number of rows, of which some may want logits.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layout">Layout of the sequences' pages.</param>
    /// <param name="team">The threads.</param>
    /// <param name="maxRows">Most rows of a run.</param>
    /// <param name="maxLogitRows">Most rows that want logits.</param>
    /// <param name="inBlocks">Whether many rows are run in blocks: for weights that stay in the cache, so that reading them for every block costs little.</param>
    public DecoderBatch(PackedModel model, KeyValueLayout layout, StepTeam team, int maxRows, int maxLogitRows, bool inBlocks)
    {
        (_model, _config, _team, _layer) = (model, model.Config, team, model.Layers[0]);
        _rows = new BatchRows(maxRows, maxLogitRows);
        _buffers = new BatchBuffers(model, maxRows, team.Threads);
        _attention = new RowAttention(model, layout, _rows, _buffers, team.Threads);
        _blocks = inBlocks ? new RowBlocks(model, _rows, _buffers, _attention, team.Threads) : null;
        _normedIn = new long[team.Threads * 16];
    }

    private enum Phase
    {
        QueryKeyValue,
        KeyValue,
        Store,
        Query,
        Attend,
        StoreAndAttend,
        Output,
        GateUp,
        Unit,
        Down,
        Head,
        Block,
    }

    /// <summary>Most rows of a run.</summary>
    public int MaxRows => _rows.MaxRows;

    /// <summary>Blocks the last run was divided into; 0 if it was not.</summary>
    public int BlockCount { get; private set; }

    /// <summary>Begins a new batch.</summary>
    public void Clear() => _rows.Clear();

    /// <summary>Adds the next uncached positions of a sequence, which has pages for them; optionally asks for the logits of the last.</summary>
    public void Add(SequenceCache sequence, int count, bool wantsLogits) => _rows.Add(sequence, count, wantsLogits);

    /// <summary>Logits of the n-th row that wanted them.</summary>
    public ReadOnlySpan<float> Logits(int index) => new(_buffers.Logits.Pointer + ((nint)index * _buffers.LogitStride), _config.VocabularySize);

    /// <summary>Works out all rows: their keys and values are in the pages afterwards, and the logits can be read.</summary>
    public void Run()
    {
        BlockCount = 0;
        if (_rows.Count == 0)
            return;

        if (_blocks is not null && _blocks.Divide())
        {
            _buffers.ReserveLogits(_rows.LogitCount);
            BlockCount = _blocks.Count;
            Run(Phase.Block, BlockCount);
            return;
        }

        Embed();
        for (var index = 0; index < _config.Layers; index++)
        {
            (_layer, _index) = (_model.Layers[index], index);
            if (index == _config.Layers - 1 && _rows.LogitCount < _rows.Count)
            {
                LastLayerAttention();
                if (_rows.Count == 0)
                    return;
            }
            else
            {
                Run(Phase.QueryKeyValue, Panels(_layer.Query) + Panels(_layer.KeyValue));
                Run(Phase.StoreAndAttend, _rows.SegmentCount * _config.KeyValueHeads);
            }

            Run(Phase.Output, Panels(_layer.Output));
            if (_config.IntermediateSize % Panel == 0)
            {
                Run(Phase.GateUp, _config.IntermediateSize / Panel);
            }
            else
            {
                Run(Phase.GateUp, Panels(_layer.GateUp));
                Run(Phase.Unit, _rows.Count);
            }

            Run(Phase.Down, Panels(_layer.Down));
        }

        _buffers.ReserveLogits(_rows.Count);
        Run(Phase.Head, (Panels(_model.Head) + HeadPanels - 1) / HeadPanels);
    }

    void IPhasedWork.Do(int chunk, int thread, long phase)
    {
        var (layer, rows, queries) = (_layer, _rows.Count, Panels(_layer.Query));
        switch (_phase)
        {
            case Phase.QueryKeyValue when chunk < queries:
            case Phase.Query:
                Columns(thread, phase, Normed(thread, phase, layer.InputNorm), _buffers.HiddenStride, layer.Query, chunk, _buffers.Queries.Pointer, _config.QueryWidth, layer.QueryBias, 0);
                break;
            case Phase.QueryKeyValue:
                chunk -= queries;
                goto case Phase.KeyValue;
            case Phase.KeyValue:
                Columns(thread, phase, Normed(thread, phase, layer.InputNorm), _buffers.HiddenStride, layer.KeyValue, chunk, _buffers.KeysValues.Pointer, 2 * _config.KeyValueWidth, layer.KeyValueBias, 0);
                break;
            case Phase.Store:
                _attention.Store(_index, chunk / _config.KeyValueHeads, chunk % _config.KeyValueHeads);
                break;
            case Phase.Attend:
                _attention.Attend(_index, chunk / _config.KeyValueHeads, chunk % _config.KeyValueHeads, thread);
                break;
            case Phase.StoreAndAttend:
                _attention.Store(_index, chunk / _config.KeyValueHeads, chunk % _config.KeyValueHeads);
                _attention.Attend(_index, chunk / _config.KeyValueHeads, chunk % _config.KeyValueHeads, thread);
                break;
            case Phase.Output:
                Columns(thread, phase, _buffers.Attended.Pointer, _buffers.AttendedStride, layer.Output, chunk, _buffers.Stream.Pointer, _config.HiddenSize, _buffers.Stream.Pointer, _config.HiddenSize);
                break;
            case Phase.GateUp:
                GateUp(layer, thread, phase, chunk, Normed(thread, phase, layer.PostNorm));
                break;
            case Phase.Unit:
                SwiGlu.Forward(
                    _buffers.Gates.Pointer + ((nint)chunk * 2 * _config.IntermediateSize), 2 * _config.IntermediateSize, 1, _config.IntermediateSize,
                    _buffers.Gated.Pointer + ((nint)chunk * _buffers.GatedStride), _buffers.GatedStride);
                break;
            case Phase.Down:
                Columns(thread, phase, _buffers.Gated.Pointer, _buffers.GatedStride, layer.Down, chunk, _buffers.Stream.Pointer, _config.HiddenSize, _buffers.Stream.Pointer, _config.HiddenSize);
                break;
            case Phase.Block:
                _blocks!.Run(chunk, thread);
                break;
            default:
                var normed = Normed(thread, phase, _model.FinalNorm);
                for (var panel = chunk * HeadPanels; panel < Math.Min((chunk + 1) * HeadPanels, Panels(_model.Head)); panel++)
                    Columns(thread, phase, normed, _buffers.HiddenStride, _model.Head, panel, _buffers.Logits.Pointer, _buffers.LogitStride, null, 0);
                break;
        }
    }

    public void Dispose()
    {
        _buffers.Dispose();
        _attention.Dispose();
    }

    // A large vocabulary has more panels than a phase may have chunks.
    private int HeadPanels => 1 + (Panels(_model.Head) / 4096);

    private static int Panels(PackedMatrix matrix) => (matrix.N + Panel - 1) / Panel;

    private void Run(Phase phase, int chunks)
    {
        _phase = phase;
        _team.Run(this, chunks);
    }

    // Of the last layer, rows without logits leave nothing behind but their keys and values.
    private void LastLayerAttention()
    {
        Run(Phase.KeyValue, Panels(_layer.KeyValue));
        Run(Phase.Store, _rows.SegmentCount * _config.KeyValueHeads);
        _rows.KeepLogitRows(_buffers.Stream.Pointer, _config.HiddenSize);
        if (_rows.Count == 0)
            return;
        Run(Phase.Query, Panels(_layer.Query));
        Run(Phase.Attend, _rows.SegmentCount * _config.KeyValueHeads);
    }

    private void Embed()
    {
        for (var row = 0; row < _rows.Count; row++)
            _model.Embed(_rows.Token(row), _buffers.Stream.Pointer + ((nint)row * _config.HiddenSize));
    }

    // Every thread norms all rows for itself once a phase: that costs less than another phase would.
    private float* Normed(int thread, long phase, float* weight)
    {
        var normed = _buffers.Normed(thread);
        if (_normedIn[thread * 16] != phase)
            RmsNorm.Forward(_buffers.Stream.Pointer, _config.HiddenSize, _rows.Count, _config.HiddenSize, weight, _config.NormEpsilon, normed, _buffers.HiddenStride);
        _normedIn[thread * 16] = phase;
        return normed;
    }

    private void GateUp(PackedLayer layer, int thread, long phase, int chunk, float* normed)
    {
        int inner = _config.IntermediateSize, width = 2 * inner;
        Columns(thread, phase, normed, _buffers.HiddenStride, layer.GateUp, chunk, _buffers.Gates.Pointer, width, null, 0);
        if (inner % Panel != 0)
            return;
        Columns(thread, phase, normed, _buffers.HiddenStride, layer.GateUp, chunk + (inner / Panel), _buffers.Gates.Pointer, width, null, 0);
        SwiGlu.ForwardApart(
            _buffers.Gates.Pointer + (chunk * Panel), _buffers.Gates.Pointer + inner + (chunk * Panel), width, _rows.Count, Panel,
            _buffers.Gated.Pointer + (chunk * Panel), _buffers.GatedStride);
    }

    private void Columns(int thread, long phase, float* a, int lda, PackedMatrix b, int panel, float* c, int ldc, float* add, int ldAdd)
    {
        var column = panel * Panel;
        var columns = Math.Min(Panel, b.N - column);
        Gemm.MultiplyWithoutTerm(a, lda, _rows.Count, b, column, columns, c + column, ldc, add is null ? null : add + column, ldAdd);
        if (b.Term is { } term)
            _buffers.Term(thread).Add(term, phase, a, lda, _rows.Count, column, columns, c + column, ldc);
    }
}
